import type { SeqRange } from "../../shared/wire.ts";

/** A set of seqs as sorted, disjoint, non-touching ranges, both ends inclusive. */
export class Ranges {
  #list: SeqRange[];

  constructor(list: readonly SeqRange[] = []) {
    this.#list = [];
    for (const [from, to] of list) this.add(from, to);
  }

  get list(): readonly SeqRange[] {
    return this.#list;
  }

  /** How many seqs are in the set. */
  get size(): number {
    return this.#list.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  /** How many of the seqs `from..to` are in the set. */
  countWithin(from: number, to: number): number {
    return this.within(from, to).reduce((sum, [lo, hi]) => sum + hi - lo + 1, 0);
  }

  has(seq: number): boolean {
    const range = this.#list[this.#firstEndingAtOrAfter(seq)];
    return range !== undefined && range[0] <= seq;
  }

  add(from: number, to: number): void {
    if (to < from) return;
    const first = this.#firstEndingAtOrAfter(from - 1);
    let after = first;
    let [lo, hi] = [from, to];
    for (; after < this.#list.length; after++) {
      const range = this.#list[after] as SeqRange;
      if (range[0] > to + 1) break;
      lo = Math.min(lo, range[0]);
      hi = Math.max(hi, range[1]);
    }
    this.#list.splice(first, after - first, [lo, hi]);
  }

  remove(from: number, to: number): void {
    if (to < from) return;
    const first = this.#firstEndingAtOrAfter(from);
    const left: SeqRange[] = [];
    let after = first;
    for (; after < this.#list.length; after++) {
      const [lo, hi] = this.#list[after] as SeqRange;
      if (lo > to) break;
      if (lo < from) left.push([lo, from - 1]);
      if (hi > to) left.push([to + 1, hi]);
    }
    this.#list.splice(first, after - first, ...left);
  }

  /** The ranges of `from..to` that are in the set, in order. */
  within(from: number, to: number): SeqRange[] {
    const within: SeqRange[] = [];
    for (let at = this.#firstEndingAtOrAfter(from); at < this.#list.length; at++) {
      const [lo, hi] = this.#list[at] as SeqRange;
      if (lo > to) break;
      within.push([Math.max(lo, from), Math.min(hi, to)]);
    }
    return within;
  }

  /** The ranges of `from..to` that are not in the set, in order, at most `limit` of them. */
  missing(from: number, to: number, limit = Number.POSITIVE_INFINITY): SeqRange[] {
    const missing: SeqRange[] = [];
    let next = from;
    for (let at = this.#firstEndingAtOrAfter(from); next <= to && missing.length < limit; at++) {
      const range = this.#list[at];
      const end = range === undefined ? to : Math.min(to, range[0] - 1);
      if (end >= next) missing.push([next, end]);
      if (range === undefined) break;
      next = Math.max(next, range[1] + 1);
    }
    return missing;
  }

  /** Lowest seq at or above `from` that is not in the set. */
  firstMissing(from: number): number {
    const range = this.#list[this.#firstEndingAtOrAfter(from)];
    return range === undefined || range[0] > from ? from : range[1] + 1;
  }

  #firstEndingAtOrAfter(seq: number): number {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle] as SeqRange)[1] < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
