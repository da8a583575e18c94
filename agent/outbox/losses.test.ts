import { expect, it } from "vitest";
import { Losses } from "./losses.ts";

it("says once, when nothing more is lost, that a loss is over", () => {
  const losses = new Losses();
  expect(losses.isOver(0, 0)).toBe(false);
  expect(losses.isOver(5, 1_000)).toBe(false);
  expect(losses.isOver(9, 2_000)).toBe(false);
  expect(losses.isOver(9, 3_900)).toBe(false);
  expect(losses.isOver(9, 4_000)).toBe(true);
  expect(losses.isOver(9, 60_000)).toBe(false);
});

it("does not wait for the end of a loss that has none", () => {
  const losses = new Losses();
  const over = Array.from({ length: 130 }, (_, second) => losses.isOver(second + 1, second * 1_000));
  expect(over.filter(Boolean)).toHaveLength(2);
});
