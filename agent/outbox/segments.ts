import type { Segment } from "./store.ts";

/** Streams told with a new one; those before them have long been told. */
const ENDED_TOLD_MAX = 20;

/** The streams of one outbox, oldest first: each has the seqs above its base, up to the base of the next. */
export class Segments {
  readonly #list: Segment[];

  constructor(list: readonly Segment[]) {
    this.#list = [...list];
  }

  get list(): readonly Segment[] {
    return this.#list;
  }

  add(segment: Segment): void {
    this.#list.push(segment);
  }

  named(stream: string): Segment | undefined {
    return this.#list.find((known) => known.stream === stream);
  }

  of(seq: number): Segment {
    return this.#list.findLast(({ base }) => base < seq) ?? (this.#list[0] as Segment);
  }

  /** Highest seq of the segment that `seq` is in, where `highest` is the highest of all. */
  end(seq: number, highest: number): number {
    const next = this.#list.find(({ base }) => base >= seq);
    return Math.min(highest, next?.base ?? highest);
  }

  /** The latest streams before the present one, and how far each goes by its own count. */
  ended(highest: number): { stream: string; to: number }[] {
    return this.#list
      .slice(0, -1)
      .slice(-ENDED_TOLD_MAX)
      .map(({ base, stream }) => ({ stream, to: this.end(base + 1, highest) - base }))
      .filter(({ to }) => to > 0);
  }
}
