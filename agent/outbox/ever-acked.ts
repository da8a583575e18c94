import type { SeqRange } from "../../shared/wire.ts";
import { LIMITS } from "../../shared/wire-constants.ts";
import { Ranges } from "./ranges.ts";
import type { Segment, Store } from "./store.ts";

/** Ranges remembered of each kind; beyond it the oldest are forgotten, which only makes the agent claim less. */
const RANGES_REMEMBERED_MAX = 1_000;

/** What it is told of, and where it is remembered. */
export interface AckedFile {
  readonly store: Store;
  readonly done: Ranges;
  segmentEnd(seq: number): number;
  remember(key: string, value: string): void;
}

/**
 * What the server has ever acked, also while it is being sent again: told in every header, so that a database that was
 * put back to an older copy is known for one. It is what is done, without what was given up, and with what is sent again.
 */
export class EverAcked {
  readonly #file: AckedFile;
  /** Counts as done, but was never acked. */
  readonly #gone: Ranges;
  /** Was acked, and is not done: it is sent again. */
  readonly #again: Ranges;

  constructor(file: AckedFile) {
    this.#file = file;
    this.#gone = remembered(file.store.recall("gone"));
    this.#again = remembered(file.store.recall("again"));
  }

  /** Whether it was acked and is sent again: then it is not live, however young it is. */
  isAgain(seq: number): boolean {
    return this.#again.has(seq);
  }

  /** To be called before it counts as done: it is given up. */
  lost(from: number, to: number): void {
    this.#gone.add(from, to);
    this.#file.remember("gone", text(this.#gone));
  }

  /** To be called before it is no longer done: it is sent again. */
  again(from: number, to: number): void {
    for (const [lo, hi] of this.#file.done.within(from, to))
      for (const range of this.#gone.missing(lo, hi)) this.#again.add(...range);
    this.#file.remember("again", text(this.#again));
  }

  /** For a file that took the place of a damaged one. */
  rememberAnew(): void {
    this.#file.remember("gone", text(this.#gone));
    this.#file.remember("again", text(this.#again));
  }

  /** Of one stream, as seqs on the wire: the newest ranges, as many as a header takes. */
  of({ base }: Segment): SeqRange[] {
    const end = this.#file.segmentEnd(base + 1);
    const acked = new Ranges(this.#again.within(base + 1, end));
    for (const [lo, hi] of this.#file.done.within(base + 1, end))
      for (const range of this.#gone.missing(lo, hi)) acked.add(...range);
    return acked.list.slice(-LIMITS.ackedRangesMax).map(([from, to]) => [from - base, to - base]);
  }
}

function text(ranges: Ranges): string {
  return JSON.stringify(ranges.list.slice(-RANGES_REMEMBERED_MAX));
}

function remembered(text: string | undefined): Ranges {
  try {
    return new Ranges(JSON.parse(text ?? "[]") as SeqRange[]);
  } catch {
    return new Ranges();
  }
}
