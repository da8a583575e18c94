import { globSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** A section of an Asterisk configuration file; options in order, as a name may stand there several times. */
export interface Section {
  name: string;
  options: [name: string, value: string][];
}

const INCLUDE_DEPTH_MAX = 8;
/** Files that include each other in circles are read so often at most. */
const FILES_MAX = 200;

/** What is in force of a file of `folder` with what it includes: templates are where they are used. None when it cannot be read. */
export function readConf(folder: string, name: string): Section[] {
  const reading: Reading = { folder, sections: [], templates: new Set(), current: undefined, files: 0 };
  readInto(reading, join(folder, name), 0);
  return reading.sections.filter((section) => !reading.templates.has(section));
}

/** The last value an option has in the sections of this name, as Asterisk takes it. */
export function optionOf(sections: readonly Section[], section: string, option: string): string | undefined {
  const options = sections.filter(({ name }) => name.toLowerCase() === section).flatMap((each) => each.options);
  return options.findLast(([name]) => name.toLowerCase() === option)?.[1];
}

export function isYes(value: string | undefined): boolean {
  return /^(yes|true|y|t|1|on)$/i.test(value ?? "");
}

/** Files named by `#include` and `#tryinclude` lines, in order. */
export function includesOf(text: string): string[] {
  return linesOf(text).flatMap((line) => includeOn(line) ?? []);
}

interface Reading {
  folder: string;
  sections: Section[];
  templates: Set<Section>;
  current: Section | undefined;
  files: number;
}

function readInto(reading: Reading, file: string, depth: number): void {
  if (++reading.files > FILES_MAX) return;
  for (const line of linesOf(textOf(file))) {
    const included = includeOn(line);
    const [, section, flags = ""] = /^\[([^\]]+)\](?:\(([^)]*)\))?/.exec(line) ?? [];
    const [, name, value = ""] = /^([^=[\]]+?)\s*=>?\s*(.*)$/.exec(line) ?? [];
    if (included !== undefined) {
      const pattern = isAbsolute(included) ? included : join(reading.folder, included);
      if (depth < INCLUDE_DEPTH_MAX)
        for (const path of globSync(pattern).toSorted()) readInto(reading, path, depth + 1);
    } else if (section !== undefined) begin(reading, section, flags.split(","));
    else if (name !== undefined) reading.current?.options.push([name, value]);
  }
}

/** `[name](!)` is a template, `[name](+)` goes on with the section of that name, `[name](other)` begins with what `other` has. */
function begin(reading: Reading, name: string, flags: readonly string[]): void {
  const { sections, templates } = reading;
  const named = (wanted: string) => sections.find((known) => known.name.toLowerCase() === wanted.toLowerCase());
  const more = flags.some((flag) => flag.startsWith("+")) ? named(name) : undefined;
  reading.current = more ?? { name, options: flags.flatMap((flag) => named(flag)?.options ?? []) };
  if (more === undefined) sections.push(reading.current);
  if (flags.includes("!")) templates.add(reading.current);
}

function includeOn(line: string): string | undefined {
  return /^#(?:try)?include\s+["<]?([^"<>]+)/i.exec(line)?.[1]?.trim();
}

/** As Asterisk does it: a device, a pipe or a folder is not read. @throws Error when it is one, or cannot be read. */
export function confText(file: string): string {
  if (!statSync(file).isFile()) throw new Error("it is not a regular file");
  return readFileSync(file, "utf8");
}

function textOf(file: string): string {
  try {
    return confText(file);
  } catch {
    return "";
  }
}

/** Trimmed and without comments: from `;` to the end of the line, and from `;--` to `--;` over any number of lines. */
function linesOf(text: string): string[] {
  let depth = 0;
  return text.split("\n").map((line) => {
    let kept = "";
    for (const [piece] of line.matchAll(/\\;|;--(?!-)|--;|;|[^\\;-]+|[^]/g)) {
      if (piece === ";--") depth++;
      else if (piece === "--;" && depth > 0) depth--;
      else if (depth === 0 && piece.endsWith(";") && piece !== "\\;") break;
      else if (depth === 0) kept += piece === "\\;" ? ";" : piece;
    }
    return kept.trim();
  });
}
