import { expect, it } from "vitest";
import { Sweeps } from "./sweeps.ts";

it("one look at a time: all who ask meanwhile share the next, for what the most eager asked", async () => {
  const looks: number[] = [];
  const waiting: (() => void)[] = [];
  const sweeps = new Sweeps((overdueMsMin) => {
    looks.push(overdueMsMin);
    return new Promise((resolve) => waiting.push(resolve));
  });
  for (const overdueMsMin of [3, 3, 0, 3]) sweeps.ask(overdueMsMin);
  expect(looks).toEqual([3]);
  waiting.shift()?.();
  await expect.poll(() => looks).toEqual([3, 0]);
  const closed = sweeps.close();
  sweeps.ask(0);
  waiting.shift()?.();
  await closed;
  sweeps.ask(0);
  expect(looks).toEqual([3, 0]);
});
