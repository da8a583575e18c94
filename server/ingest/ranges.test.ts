import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  covers,
  formatMultirange,
  highest,
  holds,
  holesUpTo,
  parseMultirange,
  rangesOf,
  subtract,
  unite,
} from "./ranges.ts";

const TOP = 60;
const seqs = fc.uniqueArray(fc.integer({ min: 1, max: TOP })).map((list) => list.toSorted((a, b) => a - b));
const members = (ranges: readonly (readonly [number, number])[]) =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));

describe("a set of seqs", () => {
  it("holds exactly its seqs, in as few ranges as can be", () => {
    fc.assert(
      fc.property(seqs, (list) => {
        const ranges = rangesOf(list);
        expect(members(ranges)).toEqual(list);
        const apart = ranges.slice(1).every(([from], at) => from > ranges[at]![1] + 1);
        expect(apart).toBe(true);
        for (let seq = 1; seq <= TOP; seq++) expect(holds(ranges, seq)).toBe(list.includes(seq));
        expect(highest(ranges)).toBe(list.at(-1) ?? 0);
      }),
    );
  });

  it("united with another holds what either holds", () => {
    fc.assert(
      fc.property(seqs, seqs, (a, b) => {
        const both = [...new Set([...a, ...b])].toSorted((x, y) => x - y);
        expect(unite(rangesOf(a), rangesOf(b))).toEqual(rangesOf(both));
      }),
    );
  });

  it("covers a span when no seq of it is missing", () => {
    fc.assert(
      fc.property(seqs, fc.integer({ min: 1, max: TOP }), fc.integer({ min: 0, max: 10 }), (list, from, length) => {
        const span = Array.from({ length }, (_, at) => from + at);
        expect(covers(rangesOf(list), from, from + length - 1)).toBe(span.every((seq) => list.includes(seq)));
      }),
    );
  });

  it("has the holes that are not in it, oldest first, no more than asked for", () => {
    fc.assert(
      fc.property(seqs, fc.integer({ min: 0, max: TOP }), fc.integer({ min: 1, max: 5 }), (list, to, rangesMax) => {
        const missing = Array.from({ length: to }, (_, at) => at + 1).filter((seq) => !list.includes(seq));
        expect(holesUpTo(rangesOf(list), to, rangesMax)).toEqual(rangesOf(missing).slice(0, rangesMax));
      }),
    );
  });

  it("is written and read as PostgreSQL does", () => {
    expect(parseMultirange("{[1,4),[7,8)}")).toEqual([
      [1, 3],
      [7, 7],
    ]);
    expect(parseMultirange("{}")).toEqual([]);
    expect(
      formatMultirange([
        [1, 3],
        [7, 7],
      ]),
    ).toBe("{[1,3],[7,7]}");
  });

  it("subtracts seq by seq", () => {
    fc.assert(
      fc.property(seqs, seqs, (a, b) => {
        const left = subtract(rangesOf(a), rangesOf(b));
        expect(left).toEqual(rangesOf(a.filter((seq) => !b.includes(seq))));
      }),
    );
  });
});
