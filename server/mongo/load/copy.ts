import { finished } from "node:stream/promises";
import type { ClientBase } from "pg";
import { from as copyFrom } from "pg-copy-streams";

/** A value of a COPY row: text, number or boolean as it is, null; objects come as JSON text. */
export type Cell = string | number | boolean | null | undefined;

const SPECIAL = /[\\\n\r\t]/;
const SPECIALS = /[\\\n\r\t]/g;
const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
/** Text is handed on in pieces of about this size. */
const PIECE_CHARS = 256 * 1024;

/** Sends rows by COPY. `target` is `table (columns)`. Returns how many bytes went. */
export async function copyRows(client: ClientBase, target: string, rows: Iterable<readonly Cell[]>): Promise<number> {
  const stream = client.query(copyFrom(`COPY ${target} FROM STDIN`));
  const done = finished(stream);
  let bytes = 0;
  for (const piece of encodeRows(rows)) {
    bytes += piece.length;
    if (!stream.write(piece)) await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), done]);
  }
  stream.end();
  await done;
  return bytes;
}

/** Rows in PostgreSQL's text COPY format. */
export function* encodeRows(rows: Iterable<readonly Cell[]>): Generator<Buffer> {
  let piece = "";
  for (const row of rows) {
    let line = "";
    for (const [index, value] of row.entries()) line += index === 0 ? cell(value) : `\t${cell(value)}`;
    piece += `${line}\n`;
    if (piece.length < PIECE_CHARS) continue;
    yield Buffer.from(piece, "utf8");
    piece = "";
  }
  if (piece !== "") yield Buffer.from(piece, "utf8");
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return "\\N";
  if (typeof value !== "string") return String(value);
  return SPECIAL.test(value) ? value.replace(SPECIALS, (char) => ESCAPES[char] ?? char) : value;
}

/** Epoch ms as PostgreSQL reads it. */
export function timestamp(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(epochMs).toISOString();
}
