import { expect, test } from "vitest";
import { FAULTS } from "./catalogue/index.ts";
import { randomFrom } from "./random.ts";
import { PACES, schedule } from "./schedule.ts";

function steps(seed: number, count: number): string[] {
  const told: string[] = [];
  for (const { calmMs, faults } of schedule(FAULTS, randomFrom(seed).fork("schedule"), PACES.quick)) {
    if (told.length === count) break;
    told.push(`${calmMs} ${faults.map(({ fault, holdMs }) => `${fault.name} ${holdMs}`).join(" + ")}`);
  }
  return told;
}

test("the same seed gives the same faults at the same times, another seed others", () => {
  expect(steps(7, 200)).toEqual(steps(7, 200));
  expect(steps(7, 200)).not.toEqual(steps(8, 200));
});

test("every fault comes once before any comes again", () => {
  const names = steps(7, 200).flatMap((step) => step.split(" + ").map((part) => part.match(/[a-z]+(-[a-z]+)*/)![0]));
  expect(new Set(names.slice(0, FAULTS.length)).size).toBe(FAULTS.length);
});
