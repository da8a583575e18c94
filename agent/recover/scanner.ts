import type { Bytes } from "./bytes.ts";
import type { Layout } from "./columns.ts";
import { readRecord, type Dialect } from "./csv.ts";
import { readRow, type RecoveredEvent } from "./row.ts";
import type { Zone } from "./zone.ts";

/** How a file is to be read. */
export interface Format {
  dialect: Dialect;
  /** The columns, by how many a row has; undefined: no row of ours. */
  layout(count: number): Layout | undefined;
  zone: Zone;
}

/** A row and where it stands: from byte `start` to before byte `end`. */
export interface PlacedRow {
  start: number;
  end: number;
  row: RecoveredEvent;
}

const PIECE_BYTES = 64 * 1024;
/** A row longer than this is none: a quote was left open. */
export const ROW_BYTES_MAX = 256 * 1024;
/** Places in a damaged line where a row might begin. */
const BEGINNINGS_MAX = 200;

/**
 * Reads a file's rows in order from an offset on. What is no row (torn by a crash, of other columns, a heading) is
 * passed over line by line and counted; a last line without its end is left for later.
 */
export class RowScanner {
  readonly #bytes: Bytes;
  readonly #format: Format;
  readonly #about: number;
  /** What is read and not yet used, a character a byte, and the offset of its first. */
  #text = "";
  #base: number;
  #ended = false;
  #previous: number | undefined;
  /** Lines that were no rows. */
  damaged = 0;

  constructor(bytes: Bytes, format: Format, from: number, about: number) {
    this.#bytes = bytes;
    this.#format = format;
    this.#base = from;
    this.#about = about;
  }

  /** The next row; null at the end of what is written so far, or past `stopAt`. */
  async next(stopAt = Number.MAX_SAFE_INTEGER): Promise<PlacedRow | null> {
    while (this.#base < stopAt) {
      if (this.#text.startsWith("\0")) this.#skipZeros();
      const record = readRecord(this.#text, 0, this.#format.dialect);
      const row = record === null ? null : this.#rowOf(record.fields);
      if (record !== null && row !== null) return this.#take(0, record.end, row);
      // What has no end yet may only want more bytes.
      if (record === null && this.#text.length < ROW_BYTES_MAX && (await this.#more())) continue;
      const lineEnd = this.#text.indexOf("\n");
      if (lineEnd < 0 && this.#text.length < ROW_BYTES_MAX) return null;
      if (record === null && this.#isInTheWriting(lineEnd)) return null;
      this.damaged++;
      const rest = this.#rowWithin(lineEnd);
      if (rest !== null) return rest;
      this.#advance(lineEnd < 0 ? this.#text.length : lineEnd + 1);
    }
    return null;
  }

  /** A block of zeros, as a file has where the power failed. */
  #skipZeros(): void {
    let zeros = 1;
    while (this.#text[zeros] === "\0") zeros++;
    this.#advance(zeros);
    this.damaged++;
  }

  #take(start: number, end: number, row: RecoveredEvent): PlacedRow {
    const placed = { start: this.#base + start, end: this.#base + end, row };
    this.#advance(end);
    this.#previous = row.at;
    return placed;
  }

  /** An open quote at the end of the file, with no line behind it: the row may yet be finished. */
  #isInTheWriting(lineEnd: number): boolean {
    return this.#ended && this.#opensQuote(lineEnd) && this.#text.indexOf("\n", lineEnd + 1) < 0;
  }

  /** A row that begins within a line: a crash has left half a row before it. */
  #rowWithin(lineEnd: number): PlacedRow | null {
    const { dialect } = this.#format;
    const begins = dialect.json ? "{" : dialect.quote;
    if (begins === "" || lineEnd < 0) return null;
    let at = this.#text.indexOf(begins, 1);
    for (let tries = 0; at > 0 && at < lineEnd && tries < BEGINNINGS_MAX; tries++) {
      const record = readRecord(this.#text, at, dialect);
      const row = record === null ? null : this.#rowOf(record.fields);
      if (record !== null && row !== null) return this.#take(at, record.end, row);
      at = this.#text.indexOf(begins, at + 1);
    }
    return null;
  }

  /** Goes on behind the next line end: the way into a file at an offset that is no row's beginning. */
  async skipLine(): Promise<void> {
    for (;;) {
      const lineEnd = this.#text.indexOf("\n");
      if (lineEnd >= 0) return this.#advance(lineEnd + 1);
      this.#advance(this.#text.length);
      if (!(await this.#more())) return;
    }
  }

  #opensQuote(lineEnd: number): boolean {
    const { quote, json } = this.#format.dialect;
    return !json && quote !== "" && this.#text.slice(0, lineEnd).includes(quote);
  }

  #rowOf(fields: readonly string[]): RecoveredEvent | null {
    const { dialect, zone } = this.#format;
    const layout = this.#format.layout(fields.length);
    if (layout === undefined) return null;
    const values = dialect.json ? valuesOf(fields, layout) : fields;
    return readRow(values, { layout, zone, about: this.#about, previous: this.#previous });
  }

  #advance(count: number): void {
    this.#text = this.#text.slice(count);
    this.#base += count;
  }

  /** False at the end of the file. */
  async #more(): Promise<boolean> {
    const piece = await this.#bytes.read(this.#base + this.#text.length, PIECE_BYTES);
    this.#ended = piece.length === 0;
    this.#text += piece.toString("latin1");
    return !this.#ended;
  }
}

/** A JSON row's values in the order of the columns. */
function valuesOf(fields: readonly string[], { columns }: Layout): string[] {
  const named = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) named.set(fields[at] ?? "", fields[at + 1] ?? "");
  return columns.map((column) => (column === null ? "" : (named.get(column.field) ?? "")));
}

const FOUND_WITHIN_BYTES = 16 * 1024;

/**
 * A row's beginning before which all rows happened before `beforeMs`, as far as a file is in order: by halving, so that a
 * gigabyte costs some thirty small reads.
 */
export async function seekTime(bytes: Bytes, format: Format, beforeMs: number, about: number): Promise<number> {
  if (bytes.size === null) return 0;
  let [low, high] = [0, bytes.size];
  while (high - low > FOUND_WITHIN_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const probe = new RowScanner(bytes, format, middle, about);
    await probe.skipLine();
    const found = await probe.next(Math.min(high, middle + 2 * ROW_BYTES_MAX));
    if (found === null || found.start >= high || found.row.at >= beforeMs) high = middle;
    else low = found.start;
  }
  return low;
}

/** The first row of a file, as its bytes, and when it happened; null when there is none yet within what a row may be. */
export async function firstRow(
  bytes: Bytes,
  format: Format,
  about: number,
): Promise<{ bytes: Buffer; at: number } | null> {
  const found = await new RowScanner(bytes, format, 0, about).next(ROW_BYTES_MAX);
  if (found === null) return null;
  return { bytes: await bytes.read(found.start, found.end - found.start), at: found.row.at };
}
