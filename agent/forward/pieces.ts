import type { SeqRange } from "../../shared/wire.ts";

/** Parts of refused batches, to be sent before anything else: bisection down to the event that is refused. */
export class Pieces {
  #queue: SeqRange[] = [];

  /** The piece to send now; it stays until it is finished or split. */
  next(): SeqRange | null {
    return this.#queue[0] ?? null;
  }

  finished(): void {
    this.#queue.shift();
  }

  /** Cuts a refused batch in two, or around the seq the server named. */
  split(ranges: readonly SeqRange[], seq: number | null): void {
    const [from, to] = [ranges[0]?.[0], ranges.at(-1)?.[1]];
    if (from === undefined || to === undefined) return;
    const named = seq !== null && seq >= from && seq <= to;
    const middle = from + Math.floor((to - from) / 2);
    const parts: SeqRange[] = named
      ? [
          [from, seq - 1],
          [seq, seq],
          [seq + 1, to],
        ]
      : [
          [from, middle],
          [middle + 1, to],
        ];
    this.#queue.unshift(...parts.filter(([lo, hi]) => lo <= hi));
  }
}
