import { describe, expect, it } from "vitest";
import { STALL_TICK_MS, StallMeter } from "./stall.ts";

describe("telling how long bytes may have lain unread", () => {
  it("says nothing while the process is awake", () => {
    const meter = new StallMeter(0);
    for (let now = STALL_TICK_MS; now < 5_000; now += STALL_TICK_MS) {
      meter.tick(now);
      expect(meter.ageMs(now + 100)).toBe(0);
    }
  });

  it("gives the length of a stop to what is read right after it, whether the timer or the socket wakes first", () => {
    const meter = new StallMeter(0);
    expect(meter.ageMs(60_000)).toBeGreaterThan(59_000);
    meter.tick(60_000);
    expect(meter.ageMs(60_010)).toBeGreaterThan(59_000);
  });

  it("forgets the stop once the socket has been emptied", () => {
    const meter = new StallMeter(0);
    for (const now of [60_000, 60_250, 60_500]) meter.tick(now);
    expect(meter.ageMs(60_510)).toBe(0);
  });
});
