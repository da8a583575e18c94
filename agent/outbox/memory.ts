import type { CapturedRow } from "../capture.ts";
import type { Ranges } from "./ranges.ts";
import type { StoredRow } from "./store.ts";

/** Characters of event bodies kept while the disk takes nothing; about 20,000 usual events. */
const UNWRITTEN_CHARACTERS_MAX = 12 * 1024 * 1024;
/** What a row costs beside its body. */
const ROW_CHARACTERS = 200;

/** Rows that have their seq but are not on the disk yet. Ordered by seq, bounded. */
export class UnwrittenRows {
  #rows: StoredRow[] = [];
  #characters = 0;

  get count(): number {
    return this.#rows.length;
  }

  get all(): readonly StoredRow[] {
    return this.#rows;
  }

  /** How many of `rows` still fit, once what the server has already got is let go. */
  admit(rows: readonly CapturedRow[], done: Ranges): number {
    let room = UNWRITTEN_CHARACTERS_MAX - this.#characters;
    if (room < sizeOf(rows)) {
      this.#replace(this.#rows.filter((row) => !done.has(row.seq)));
      room = UNWRITTEN_CHARACTERS_MAX - this.#characters;
    }
    const tooMany = rows.findIndex((row) => (room -= row.body.length + ROW_CHARACTERS) < 0);
    return tooMany < 0 ? rows.length : tooMany;
  }

  add(rows: readonly StoredRow[]): void {
    for (const row of rows) this.#rows.push(row);
    this.#characters += sizeOf(rows);
  }

  within(from: number, to: number): StoredRow[] {
    return this.#rows.filter((row) => row.seq >= from && row.seq <= to);
  }

  written(count: number): void {
    this.#replace(this.#rows.slice(count));
  }

  #replace(rows: StoredRow[]): void {
    this.#rows = rows;
    this.#characters = sizeOf(rows);
  }
}

function sizeOf(rows: readonly CapturedRow[]): number {
  return rows.reduce((sum, row) => sum + row.body.length + ROW_CHARACTERS, 0);
}
