import { isUtf8 } from "node:buffer";

/** How a file separates and quotes its fields; each a single character, `quote` "" for none. */
export interface Dialect {
  separator: string;
  quote: string;
  /** Before a quote within quotes; the quote itself where it is doubled. */
  escape: string;
  /** A JSON object a line. */
  json: boolean;
}

export const CSV: Dialect = { separator: ",", quote: '"', escape: '"', json: false };

export interface Record {
  fields: string[];
  /** Index behind its line end. */
  end: number;
}

/**
 * The record that begins at `at` of a text whose characters are bytes (latin1); null when its line end is not there yet.
 * What stands between a closing quote and the next separator is kept as it is.
 */
export function readRecord(text: string, at: number, dialect: Dialect): Record | null {
  if (dialect.json) return readJsonLine(text, at);
  const fields: string[] = [];
  for (let next = at; ;) {
    const field = readField(text, next, dialect);
    if (field === null) return null;
    const isLast = text[field.end] === "\n";
    fields.push(decode(isLast && !field.quoted ? field.text.replace(/\r$/, "") : field.text));
    next = field.end + 1;
    if (isLast) return { fields, end: next };
  }
}

interface Field {
  text: string;
  quoted: boolean;
  /** Index of the separator or line end. */
  end: number;
}

function readField(text: string, from: number, { separator, quote, escape }: Dialect): Field | null {
  const quoted = quote !== "" && text[from] === quote;
  const inside = quoted ? readQuoted(text, from + 1, quote, escape) : { text: "", end: from };
  if (inside === null) return null;
  let end = inside.end;
  while (end < text.length && text[end] !== separator && text[end] !== "\n") end++;
  if (end >= text.length) return null;
  const rest = text.slice(inside.end, end);
  return { text: inside.text + (quoted && rest === "\r" ? "" : rest), quoted, end };
}

/** The text up to the closing quote, and the index behind it. */
function readQuoted(text: string, from: number, quote: string, escape: string): { text: string; end: number } | null {
  let [read, at] = ["", from];
  for (;;) {
    const end = indexOfEither(text, at, quote, escape);
    if (end < 0 || end + 1 >= text.length) return null;
    read += text.slice(at, end);
    const escaped = text[end] === escape && (escape !== quote || text[end + 1] === quote);
    if (!escaped) return { text: read, end: end + 1 };
    read += text[end + 1];
    at = end + 2;
  }
}

function indexOfEither(text: string, from: number, a: string, b: string): number {
  const first = text.indexOf(a, from);
  const second = a === b ? -1 : text.indexOf(b, from);
  return first < 0 ? second : second < 0 ? first : Math.min(first, second);
}

/** A JSON row's fields are `name`, `value`, `name`, `value`, ... */
function readJsonLine(text: string, at: number): Record | null {
  const end = text.indexOf("\n", at);
  if (end < 0) return null;
  return { fields: pairsOf(decode(text.slice(at, end))), end: end + 1 };
}

function pairsOf(line: string): string[] {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== "object" || row === null) return [];
    return Object.entries(row).flatMap(([name, value]) => [
      name.toLowerCase(),
      typeof value === "object" ? "" : String(value),
    ]);
  } catch {
    return [];
  }
}

/** Bytes as text: UTF-8 where they are, else each byte its own character, so that nothing of another encoding is lost. */
export function decode(latin1: string): string {
  // oxlint-disable-next-line no-control-regex
  if (!/[^\0-\x7f]/.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : latin1;
}
