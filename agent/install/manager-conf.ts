/** What manager.conf and the files it includes say about AMI. */
export interface ManagerConf {
  enabled: boolean;
  bindaddr: string;
  port: number;
  timestampEvents: boolean;
  users: ReadonlyMap<string, AmiUser>;
}

export interface AmiUser {
  read: string[];
  write: string[];
  writeTimeoutMs: number;
}

/** Listens on every address: the nearest is this machine's own. */
const EVERYWHERE = ["", "0.0.0.0", "::", "[::]"];

/** Where to reach an AMI that is bound like this, from the same machine. */
export function amiHostOf({ bindaddr }: ManagerConf): string {
  return EVERYWHERE.includes(bindaddr) ? "127.0.0.1" : bindaddr.replace(/^\[|\]$/g, "");
}

const PORT_DEFAULT = 5038;
/** Asterisk's own default: a reader that blocks for longer is dropped. */
const WRITE_TIMEOUT_MS_DEFAULT = 100;

/**
 * Reads Asterisk's configuration language as far as AMI needs it. `include` gives the text of an included file (wildcards
 * and all), or undefined when there is none.
 */
export function readManagerConf(text: string, include: (pattern: string) => string | undefined): ManagerConf {
  const sections = new Map<string, Map<string, string>>();
  readInto(text, include, sections, { name: "" }, 0);
  const general = sections.get("general") ?? new Map<string, string>();
  const users = [...sections].filter(([name]) => name !== "general" && name !== "");
  return {
    enabled: isYes(general.get("enabled")),
    bindaddr: general.get("bindaddr") ?? "0.0.0.0",
    port: Number(general.get("port") ?? PORT_DEFAULT) || PORT_DEFAULT,
    timestampEvents: isYes(general.get("timestampevents")),
    users: new Map(users.map(([name, options]) => [name, userOf(options)])),
  };
}

/** Files named by `#include` and `#tryinclude` lines, in order. */
export function includesOf(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const name = includeOn(line);
    return name === undefined ? [] : [name];
  });
}

const INCLUDE_DEPTH_MAX = 8;

function readInto(
  text: string,
  include: (pattern: string) => string | undefined,
  sections: Map<string, Map<string, string>>,
  current: { name: string },
  depth: number,
): void {
  for (const raw of text.split(/\r?\n/)) {
    const included = includeOn(raw);
    if (included !== undefined) {
      if (depth < INCLUDE_DEPTH_MAX) readInto(include(included) ?? "", include, sections, current, depth + 1);
      continue;
    }
    const line = raw.replace(/(^|[^\\]);.*$/, "$1").trim();
    const section = /^\[([^\]]+)\]/.exec(line)?.[1];
    if (section !== undefined) current.name = section.toLowerCase() === "general" ? "general" : section;
    const [, name, value] = /^([^=[\]]+?)\s*=>?\s*(.*)$/.exec(line) ?? [];
    const options = sections.get(current.name) ?? new Map<string, string>();
    sections.set(current.name, options);
    if (section === undefined && name !== undefined) options.set(name.toLowerCase(), value ?? "");
  }
}

function includeOn(line: string): string | undefined {
  return /^\s*#(?:try)?include\s+["<]?([^"<>\s;]+)/i.exec(line)?.[1];
}

function userOf(options: ReadonlyMap<string, string>): AmiUser {
  const words = (name: string) =>
    (options.get(name) ?? "")
      .split(",")
      .map((word) => word.trim().toLowerCase())
      .filter((word) => word !== "");
  const timeout = Number(options.get("writetimeout") ?? WRITE_TIMEOUT_MS_DEFAULT);
  return { read: words("read"), write: words("write"), writeTimeoutMs: timeout || WRITE_TIMEOUT_MS_DEFAULT };
}

function isYes(value: string | undefined): boolean {
  return /^(yes|true|y|t|1|on)$/i.test(value ?? "");
}
