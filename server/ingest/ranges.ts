import type { SeqRange } from "../../shared/wire.ts";

/**
 * Sets of seqs as sorted, disjoint, non-adjacent inclusive ranges: what an int8multirange is in PostgreSQL.
 * Every function takes such a set and returns one.
 */
export type Ranges = readonly SeqRange[];

/** `{[1,4),[7,8)}` as PostgreSQL prints it. */
export function parseMultirange(text: string): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (const match of text.matchAll(/\[(\d+),(\d+)\)/g)) ranges.push([Number(match[1]), Number(match[2]) - 1]);
  return ranges;
}

export function formatMultirange(ranges: Ranges): string {
  return `{${ranges.map(([from, to]) => `[${from},${to}]`).join(",")}}`;
}

/** The set of the given seqs, which must be in ascending order. */
export function rangesOf(seqs: Iterable<number>): SeqRange[] {
  const ranges: SeqRange[] = [];
  let last: SeqRange | undefined;
  for (const seq of seqs) {
    if (last !== undefined && seq <= last[1] + 1) last[1] = Math.max(last[1], seq);
    else ranges.push((last = [seq, seq]));
  }
  return ranges;
}

export function unite(a: Ranges, b: Ranges): SeqRange[] {
  if (b.length === 0) return [...a];
  const sorted = [...a, ...b].sort((x, y) => x[0] - y[0]);
  const united: SeqRange[] = [];
  for (const [from, to] of sorted) {
    const last = united.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else united.push([from, to]);
  }
  return united;
}

/** What `from` holds and `what` does not. */
export function subtract(from: Ranges, what: Ranges): SeqRange[] {
  return from.flatMap(([low, high]) => {
    const left: SeqRange[] = [];
    let next = low;
    for (const [lo, hi] of what) {
      if (hi < next) continue;
      if (lo > high) break;
      if (lo > next) left.push([next, lo - 1]);
      next = hi + 1;
    }
    if (next <= high) left.push([next, high]);
    return left;
  });
}

/** True when the set holds every seq from..to; an empty span (to < from) is always held. */
export function covers(ranges: Ranges, from: number, to: number): boolean {
  if (to < from) return true;
  const range = rangeAt(ranges, from);
  return range !== undefined && range[1] >= to;
}

export function holds(ranges: Ranges, seq: number): boolean {
  return covers(ranges, seq, seq);
}

/** The seqs from 1 to `to` that the set lacks, oldest first, at most `rangesMax` ranges. */
export function holesUpTo(ranges: Ranges, to: number, rangesMax: number): SeqRange[] {
  const holes: SeqRange[] = [];
  let next = 1;
  for (const [from, last] of ranges) {
    if (next > to || holes.length === rangesMax) return holes;
    if (from > next) holes.push([next, Math.min(from - 1, to)]);
    next = last + 1;
  }
  if (next <= to && holes.length < rangesMax) holes.push([next, to]);
  return holes;
}

/** True when both sets hold some seq. */
export function overlap(a: Ranges, b: Ranges): boolean {
  if (a.length === 0 || b.length === 0) return false;
  return a.some(([from, to]) => {
    const end = b.findLast((range) => range[0] <= to);
    return end !== undefined && end[1] >= from;
  });
}

/** The highest seq of the set, 0 when it is empty. */
export function highest(ranges: Ranges): number {
  return ranges.at(-1)?.[1] ?? 0;
}

/** The range that holds `seq`, by bisection. */
function rangeAt(ranges: Ranges, seq: number): SeqRange | undefined {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle]!;
    if (seq < range[0]) high = middle - 1;
    else if (seq > range[1]) low = middle + 1;
    else return range;
  }
  return undefined;
}
