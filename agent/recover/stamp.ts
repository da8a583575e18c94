/** A moment as a file tells it: local parts still to be placed in a zone, or an epoch. */
export interface LocalStamp {
  /** Null: the format has no year. */
  year: number | null;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micros: number;
  /** East of UTC, minutes; null: the PBX's zone. */
  offsetMinutes: number | null;
}

/** Epoch seconds and micros apart: a float of both would lose the last digits. */
export interface EpochStamp {
  seconds: number;
  micros: number;
}

export type Stamp = LocalStamp | EpochStamp;

const EPOCH = /^(\d{1,11})(?:\.(\d{1,9}))?$/;
const ISO = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?$/;

/** Reads a time as Asterisk writes it by default, or in the strftime format that the configuration names. Null: it is none. */
export function readStamp(text: string, format: string | null): Stamp | null {
  const own = format === null ? null : readFormatted(text, format);
  if (own !== null) return own;
  const epoch = EPOCH.exec(text);
  if (epoch !== null) return { seconds: Number(epoch[1]), micros: microsOf(epoch[2]) };
  const iso = ISO.exec(text);
  if (iso === null) return null;
  const [year, month, day, hour, minute, second] = iso.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { year, month, day, hour, minute, second, micros: microsOf(iso[7]), offsetMinutes: offsetOf(iso[8]) };
}

function microsOf(fraction: string | undefined): number {
  return Number((fraction ?? "").padEnd(6, "0").slice(0, 6));
}

function offsetOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(text) ?? [];
  return hours === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WORD = "\\p{L}+\\.?";

/** Pattern of each strftime directive; those whose value tells something have a group named in GROUPS. */
const PATTERNS: Readonly<Record<string, string>> = {
  Y: "(\\d{4})",
  y: "(\\d\\d)",
  m: "(\\d\\d?)",
  d: "(\\d\\d?)",
  e: "\\s?(\\d\\d?)",
  H: "(\\d\\d?)",
  k: "\\s?(\\d\\d?)",
  I: "(\\d\\d?)",
  l: "\\s?(\\d\\d?)",
  M: "(\\d\\d)",
  S: "(\\d\\d)",
  q: "(\\d{1,9})",
  b: `(${WORD})`,
  B: `(${WORD})`,
  h: `(${WORD})`,
  p: "([AaPp]\\.?[Mm]\\.?)",
  P: "([AaPp]\\.?[Mm]\\.?)",
  z: "(Z|[+-]\\d\\d:?\\d\\d)",
  s: "(\\d{1,11})",
  a: WORD,
  A: WORD,
  Z: "[A-Za-z0-9+-]+",
  j: "\\d{1,3}",
  u: "\\d",
  w: "\\d",
};
const SHORTHANDS: Readonly<Record<string, string>> = { T: "%H:%M:%S", F: "%Y-%m-%d", D: "%m/%d/%y", R: "%H:%M" };

interface Compiled {
  pattern: RegExp;
  /** The directive of each group. */
  groups: string[];
}

const compiled = new Map<string, Compiled | null>();

function compile(format: string): Compiled | null {
  const groups: string[] = [];
  const expanded = format.replaceAll(/%([TFDR])/g, (_, name: string) => SHORTHANDS[name] ?? "");
  let known = true;
  const source = expanded.replaceAll(
    /%[-_0^#]?(\d?)([A-Za-z%])|[.*+?^${}()|[\]\\/]|\s+/g,
    (all, _width, name?: string) => {
      if (name === undefined) return /^\s/.test(all) ? "\\s+" : `\\${all}`;
      if (name === "%") return "%";
      if (name === "n" || name === "t") return "\\s+";
      const pattern = PATTERNS[name];
      if (pattern === undefined) known = false;
      if (pattern?.includes("(") === true) groups.push(name);
      return pattern ?? "";
    },
  );
  return known ? { pattern: new RegExp(`^${source}$`, "u"), groups } : null;
}

function readFormatted(text: string, format: string): Stamp | null {
  if (!compiled.has(format)) compiled.set(format, compile(format));
  const known = compiled.get(format) ?? null;
  const found = known?.pattern.exec(text.trim()) ?? null;
  if (known === null || found === null) return null;
  const value = new Map(known.groups.map((name, at) => [name, found[at + 1] ?? ""]));
  const micros = microsOf(value.get("q"));
  if (value.has("s")) return { seconds: Number(value.get("s")), micros };
  const month = monthOf(value);
  const day = value.get("d") ?? value.get("e");
  if (month === null || day === undefined) return null;
  const { hour, minute, second } = timeOf(value);
  return {
    year: yearOf(value),
    month,
    day: Number(day),
    hour,
    minute,
    second,
    micros,
    offsetMinutes: offsetOf(value.get("z")),
  };
}

function yearOf(value: ReadonlyMap<string, string>): number | null {
  const short = value.get("y");
  return value.has("Y") ? Number(value.get("Y")) : short === undefined ? null : 2_000 + Number(short);
}

function monthOf(value: ReadonlyMap<string, string>): number | null {
  if (value.has("m")) return Number(value.get("m"));
  const name = value.get("b") ?? value.get("h") ?? value.get("B");
  const at = MONTHS.indexOf((name ?? "").slice(0, 3).toLowerCase());
  return at < 0 ? null : at + 1;
}

function timeOf(value: ReadonlyMap<string, string>): { hour: number; minute: number; second: number } {
  const half = value.get("p") ?? value.get("P");
  const twelve = Number(value.get("I") ?? value.get("l") ?? 0) % 12;
  const hour = Number(value.get("H") ?? value.get("k") ?? twelve + (/^p/i.test(half ?? "") ? 12 : 0));
  return { hour, minute: Number(value.get("M") ?? 0), second: Number(value.get("S") ?? 0) };
}
