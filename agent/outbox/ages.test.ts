import { expect, it } from "vitest";
import { Ages } from "./ages.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

it("counts the time the agent ran, over restarts, and not the time it was away", () => {
  const first = new Ages(undefined, 24 * HOUR_MS, 1_000);
  first.tick(1_000, 10);
  first.tick(1_000 + HOUR_MS, 20);
  const second = new Ages(first.toString(), 24 * HOUR_MS, 5);
  second.tick(5, 20);
  expect(second.olderThan(HOUR_MS)).toBe(10);
  expect(second.olderThan(2 * HOUR_MS)).toBe(0);
  second.tick(5 + HOUR_MS, 30);
  expect(second.olderThan(2 * HOUR_MS)).toBe(10);
  expect(second.olderThan(HOUR_MS)).toBe(20);
  expect(second.olderThan(0)).toBe(30);
});

it("remembers a year in a bounded text, and calls nothing older than it is", () => {
  const ages = new Ages(undefined, YEAR_MS, 0);
  for (let hour = 0; hour < 20_000; hour++) ages.tick(hour * HOUR_MS, hour);
  expect(ages.toString().length).toBeLessThan(20_000);
  for (const hours of [100, 1_000, 8_760]) {
    expect(ages.olderThan(hours * HOUR_MS)).toBeLessThanOrEqual(19_999 - hours);
    expect(ages.olderThan(hours * HOUR_MS)).toBeGreaterThan(19_999 - hours - 20);
  }
});

it("begins anew over a text that no agent wrote", () => {
  const ages = new Ages("{", YEAR_MS, 0);
  expect(ages.tick(0, 5)).toBe(true);
  expect(ages.olderThan(1)).toBe(0);
});
