import { expect, it } from "vitest";
import { LIMITS } from "../../shared/wire-constants.ts";
import { Ranges } from "./ranges.ts";
import { Windows } from "./windows.ts";

it("a window is as far as its events are acked, and finished when all are", () => {
  const windows = new Windows();
  const done = new Ranges([[1, 4]]);
  windows.take("7", [3, 10], done);
  expect(windows.reports(done)).toEqual([{ id: "7", total: 8, left: 6 }]);
  done.add(5, 12);
  expect(windows.reports(done)).toEqual([{ id: "7", total: 8, left: 0 }]);
});

it("a window of which nothing is here is finished at once, and tells since when there is anything", () => {
  const windows = new Windows();
  windows.take("7", null, new Ranges(), 1_700_000_000_000);
  expect(windows.reports(new Ranges())).toEqual([{ id: "7", total: 0, left: 0, retained_from: 1_700_000_000_000 }]);
});

it("the number of windows is bounded, and finished ones make room first", () => {
  const windows = new Windows();
  const done = new Ranges();
  windows.take("open", [1, 2], done);
  for (let id = 0; id < LIMITS.windowsMax; id++) windows.take(`done ${id}`, null, done);
  expect(windows.knows("open")).toBe(true);
  expect(windows.knows("done 0")).toBe(false);
  expect(windows.reports(done)).toHaveLength(LIMITS.windowsMax);
});
