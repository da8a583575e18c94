import type { CapturedRow } from "../capture.ts";
import { originOf, wireLine, type Now } from "../outbox/origin.ts";

/** Bounds of what is kept in memory to be sent at once; what falls out is in the outbox and goes as backlog. */
const TAIL_EVENTS_MAX = 20_000;
const TAIL_CHARACTERS_MAX = 8 * 1024 * 1024;
export const LIVE_BATCH = { eventsMax: 2_000, charactersMax: 1024 * 1024 } as const;

interface Entry {
  seq: number;
  row: CapturedRow;
}

export interface LiveBatch {
  /** Seqs as the outbox has them, both inclusive. */
  from: number;
  to: number;
  count: number;
  lines: Uint8Array;
}

/** The newest events, stored but not yet acked: what the live lane sends. In order of seq, bounded, all still live. */
export class Tail {
  readonly #windowMs: number;
  #entries: Entry[] = [];
  #characters = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Lowest seq the live lane has; everything below is backlog. */
  get lowest(): number | null {
    return this.#entries[0]?.seq ?? null;
  }

  push(rows: readonly CapturedRow[], firstSeq: number, now: Now): void {
    rows.forEach((row, index) => {
      if (!this.#isLive(row, now)) return;
      this.#entries.push({ seq: firstSeq + index, row });
      this.#characters += row.body.length;
    });
    const over = this.#entries.findIndex((_, index) => this.#fits(index));
    if (over > 0) this.#drop(over);
  }

  /** The newest events that fit one request. What is older than those, of an older stream, or not live any more, is left to the backlog. */
  batch(now: Now, base: number): LiveBatch | null {
    this.dropThrough(base);
    const stale = this.#entries.findIndex(({ row }) => this.#isLive(row, now));
    this.#drop(stale < 0 ? this.#entries.length : stale);
    this.#drop(this.#entries.length - this.#newestThatFit());
    const [first, last] = [this.#entries[0], this.#entries.at(-1)];
    if (first === undefined || last === undefined) return null;
    const lines = this.#entries.map(({ seq, row }) => wireLine(seq - base, row, "live"));
    return { from: first.seq, to: last.seq, count: lines.length, lines: Buffer.from(lines.join("")) };
  }

  /** Everything up to this seq has been answered, or is left to the backlog. */
  dropThrough(seq: number): void {
    const keep = this.#entries.findIndex((entry) => entry.seq > seq);
    this.#drop(keep < 0 ? this.#entries.length : keep);
  }

  #isLive(row: CapturedRow, now: Now): boolean {
    return originOf(row, now, this.#windowMs, true) === "live";
  }

  #newestThatFit(): number {
    let characters = 0;
    let count = 0;
    for (const { row } of this.#entries.toReversed().slice(0, LIVE_BATCH.eventsMax)) {
      characters += row.body.length;
      if (characters > LIVE_BATCH.charactersMax && count > 0) break;
      count++;
    }
    return count;
  }

  /** Whether the tail is within its bounds once the first `dropped` entries are gone. */
  #fits(dropped: number): boolean {
    if (this.#entries.length - dropped > TAIL_EVENTS_MAX) return false;
    if (this.#characters <= TAIL_CHARACTERS_MAX) return true;
    const gone = this.#entries.slice(0, dropped).reduce((sum, { row }) => sum + row.body.length, 0);
    return this.#characters - gone <= TAIL_CHARACTERS_MAX;
  }

  #drop(count: number): void {
    for (const { row } of this.#entries.splice(0, count)) this.#characters -= row.body.length;
  }
}
