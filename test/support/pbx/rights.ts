import { headerOf } from "./capture.ts";

/** An AMI user as manager.conf describes one. */
export interface AmiUser {
  username: string;
  secret: string;
  /** Classes of events it may see. */
  read: readonly string[];
  /** Classes of actions it may ask for. */
  write: readonly string[];
  /** `eventfilter =` lines; a leading `!` makes one exclude. */
  eventfilters: readonly string[];
}

/** What a site gives the agent: enough for every call, least on the wire. */
export const RECOMMENDED_RIGHTS = {
  read: ["system", "call", "agent", "dtmf", "dialplan"],
  write: ["reporting"],
  eventfilters: [
    "Privilege: (system|call|agent|dtmf)",
    "Variable: (DIALSTATUS|VMSTATUS|MIXMONITOR_FILENAME|(__)?EXTTOCALL)",
    "Application: (Dial|Queue|VoiceMail)",
  ],
} as const;

export const EVERYTHING = { read: ["all"], write: ["all"], eventfilters: [] } as const;

/**
 * Whether Asterisk would queue an event for this user: all of the event's classes must be among the user's
 * (`Privilege` always ends in `all`, which is no class), and be asked for by the session's own mask.
 */
export function mayRead(read: readonly string[], mask: readonly string[], text: string): boolean {
  const classes = (headerOf(text, "Privilege") ?? "").split(",").filter((name) => name !== "all" && name !== "");
  return classes.every((name) => covers(read, name) && covers(mask, name));
}

export function covers(classes: readonly string[], name: string): boolean {
  return classes.includes("all") || classes.includes(name);
}

/**
 * Asterisk's eventfilter: regular expressions on the whole text of the event. With including filters one of them must
 * match; then no excluding filter may. Without any, everything passes. Responses and list answers are never filtered.
 */
export function eventFilter(lines: readonly string[]): (text: string) => boolean {
  const include = lines.filter((line) => !line.startsWith("!")).map((line) => new RegExp(line));
  const exclude = lines.filter((line) => line.startsWith("!")).map((line) => new RegExp(line.slice(1)));
  return (text) =>
    (include.length === 0 || include.some((filter) => filter.test(text))) &&
    !exclude.some((filter) => filter.test(text));
}

/** `Events:` of a Login or an Events action: on, off, or a list of classes; undefined is what Asterisk calls invalid. */
export function parseEventMask(value: string): string[] | undefined {
  const text = value.trim().toLowerCase();
  if (["on", "yes", "true"].includes(text)) return ["all"];
  if (["off", "no", "false", "0"].includes(text)) return [];
  return /^[a-z]+(,[a-z]+)*$/.test(text) ? text.split(",") : undefined;
}
