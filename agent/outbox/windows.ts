import type { SeqRange, WindowReport } from "../../shared/wire.ts";
import { LIMITS } from "../../shared/wire-constants.ts";
import type { Ranges } from "./ranges.ts";

/**
 * The windows of time the server asked for, and how far each is. Only in memory: after a restart the server, which hears
 * nothing of a window any more, asks again. Finished ones are told until newer ones need the room.
 */
export class Windows {
  readonly #seqs = new Map<string, SeqRange | null>();
  /** When the oldest event of the outbox was captured, as each was taken. */
  readonly #retainedFrom = new Map<string, number>();

  knows(id: string): boolean {
    return this.#seqs.has(id);
  }

  /** `seqs` null: nothing of that time is here. */
  take(id: string, seqs: SeqRange | null, done: Ranges, retainedFromMs?: number): void {
    this.#seqs.set(id, seqs);
    if (retainedFromMs !== undefined) this.#retainedFrom.set(id, Math.max(0, retainedFromMs));
    if (this.#seqs.size <= LIMITS.windowsMax) return;
    const finished = this.reports(done).find(({ left }) => left === 0)?.id;
    const [oldest] = this.#seqs.keys();
    const forgotten = finished ?? oldest ?? id;
    this.#seqs.delete(forgotten);
    this.#retainedFrom.delete(forgotten);
  }

  reports(done: Ranges): WindowReport[] {
    return [...this.#seqs].map(([id, seqs]) => {
      const retained = this.#retainedFrom.get(id);
      const known = retained === undefined ? {} : { retained_from: retained };
      if (seqs === null) return { id, total: 0, left: 0, ...known };
      const total = seqs[1] - seqs[0] + 1;
      return { id, total, left: total - done.countWithin(...seqs), ...known };
    });
  }
}
