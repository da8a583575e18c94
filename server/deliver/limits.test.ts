import { expect, it } from "vitest";
import { DELIVERY_LIMITS, retryDelayMs } from "./limits.ts";

it("retries double from 5 s to an hour, the upper half of each wait by chance", () => {
  const waits = (random: number) =>
    [1, 2, 3, 10, 11, 40].map((attempts) => retryDelayMs(attempts, () => random) / 1000);
  expect(waits(1)).toEqual([5, 10, 20, 2_560, 3_600, 3_600]);
  expect(waits(0)).toEqual([2.5, 5, 10, 1_280, 1_800, 1_800]);
});

it("a day of retries is more than thirty attempts", () => {
  let [attempts, ms] = [0, 0];
  while (ms < DELIVERY_LIMITS.retryAgeMsMax) ms += retryDelayMs(++attempts, () => 0.5);
  expect(attempts).toBeGreaterThan(30);
});

it("whoever sends is given up for dead only after the longest a message may take", () => {
  const { requestMsMax, sendMsMax, claimMsMax, noteTriesMax, noteAgainMs } = DELIVERY_LIMITS;
  expect(requestMsMax).toBeLessThan(sendMsMax);
  expect(sendMsMax + noteTriesMax * noteAgainMs).toBeLessThan(claimMsMax);
});
