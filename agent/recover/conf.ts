import { globSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** A section of an Asterisk configuration file; options in order, as a name may stand there several times. */
export interface Section {
  name: string;
  options: [name: string, value: string][];
}

const INCLUDE_DEPTH_MAX = 8;

/** The sections of a file of `folder`, with what it includes; none when it is not there or not readable. */
export function readConf(folder: string, name: string): Section[] {
  const sections: Section[] = [];
  readInto(sections, folder, join(folder, name), 0);
  return sections;
}

/** The last value an option has in the sections of this name, as Asterisk takes it. */
export function optionOf(sections: readonly Section[], section: string, option: string): string | undefined {
  const options = sections.filter(({ name }) => name.toLowerCase() === section).flatMap((each) => each.options);
  return options.findLast(([name]) => name.toLowerCase() === option)?.[1];
}

export function isYes(value: string | undefined): boolean {
  return /^(yes|true|y|t|1|on)$/i.test(value ?? "");
}

function readInto(sections: Section[], folder: string, file: string, depth: number): void {
  for (const line of linesOf(file)) {
    const included = /^#(?:try)?include\s+["<]?([^"<>\s;]+)/i.exec(line)?.[1];
    if (included !== undefined) {
      const pattern = isAbsolute(included) ? included : join(folder, included);
      if (depth < INCLUDE_DEPTH_MAX)
        for (const path of globSync(pattern).toSorted()) readInto(sections, folder, path, depth + 1);
      continue;
    }
    const section = /^\[([^\]]+)\]/.exec(line)?.[1];
    if (section !== undefined) sections.push({ name: section, options: [] });
    const [, name, value] = /^([^=[\]]+?)\s*=>?\s*(.*)$/.exec(line) ?? [];
    if (section === undefined && name !== undefined) sections.at(-1)?.options.push([name, value ?? ""]);
  }
}

/** Without comments, trimmed. */
function linesOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  const uncommented = text.replaceAll(/;--(?!-)[\s\S]*?--;/g, "");
  return uncommented.split(/\r?\n/).map((line) =>
    line
      .replace(/(^|[^\\]);.*$/, "$1")
      .replaceAll("\\;", ";")
      .trim(),
  );
}
