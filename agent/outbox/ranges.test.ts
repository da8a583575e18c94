import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ranges } from "./ranges.ts";

const step = fc.record({
  add: fc.boolean(),
  from: fc.integer({ min: 1, max: 60 }),
  length: fc.integer({ min: 1, max: 12 }),
});

describe("a set of seqs", () => {
  it("behaves like a set of numbers, whatever is added and removed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (steps, probe) => {
        const [ranges, model] = [new Ranges(), new Set<number>()];
        for (const { add, from, length } of steps) {
          if (add) ranges.add(from, from + length - 1);
          else ranges.remove(from, from + length - 1);
          for (let seq = from; seq < from + length; seq++) model[add ? "add" : "delete"](seq);
        }
        const expanded = ranges.list.flatMap(([lo, hi]) => Array.from({ length: hi - lo + 1 }, (_, n) => lo + n));
        expect(expanded).toEqual([...model].toSorted((a, b) => a - b));
        expect(ranges.size).toBe(model.size);
        expect(ranges.has(probe)).toBe(model.has(probe));
        expect(ranges.countWithin(probe, probe + 9)).toBe(
          [...model].filter((seq) => seq >= probe && seq <= probe + 9).length,
        );
        const missing = ranges
          .missing(1, 80)
          .flatMap(([lo, hi]) => Array.from({ length: hi - lo + 1 }, (_, n) => lo + n));
        expect(missing).toEqual(Array.from({ length: 80 }, (_, n) => n + 1).filter((seq) => !model.has(seq)));
        expect(ranges.firstMissing(probe)).toBe(
          [...Array(90).keys()].map((n) => n + probe).find((seq) => !model.has(seq)),
        );
      }),
    );
  });

  it("joins ranges that touch", () => {
    const ranges = new Ranges([
      [1, 3],
      [5, 6],
    ]);
    ranges.add(4, 4);
    expect(ranges.list).toEqual([[1, 6]]);
  });
});
