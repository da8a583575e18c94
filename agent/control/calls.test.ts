import { describe, expect, it } from "vitest";
import { CallWatch } from "./calls.ts";

const DAY_MS = 86_400_000;
const noon = new Date(2026, 5, 1, 12).getTime();
const channel = (id: string, linkedid = id) => ({
  Event: "Newchannel",
  Uniqueid: id,
  Linkedid: linkedid,
  CallerIDNum: "150",
  Exten: "0671234567",
});

describe("calls as the agent sees them pass", () => {
  it("begin with their first channel, are answered by a bridge of two, end with their last channel", () => {
    const watch = new CallWatch();
    watch.see(channel("1"), noon);
    watch.see(channel("2", "1"), noon + 1);
    watch.see({ Event: "BridgeEnter", Uniqueid: "2", BridgeNumChannels: "2" }, noon + 2);
    watch.see({ Event: "Hangup", Uniqueid: "1" }, noon + 3);
    expect(watch.last(5)).toMatchObject([
      { ended_at: null, answered: true, channels: 2, from: "150", to: "0671234567" },
    ]);
    watch.see({ Event: "Hangup", Uniqueid: "2" }, noon + 4);
    expect(watch.last(5)).toMatchObject([{ linkedid: "1", ended_at: noon + 4 }]);
    expect(watch.running).toBe(0);
  });

  it("are counted by the day, also by a day that an earlier run began", () => {
    const watch = new CallWatch();
    watch.resume({ day: "2026-06-01", count: 41 });
    watch.see(channel("1"), noon);
    expect(watch.today.count).toBe(42);
    watch.see(channel("2"), noon + DAY_MS);
    expect(watch.today).toEqual({ day: "2026-06-02", count: 1 });
  });

  it("do not fill the memory when Hangups are missing", () => {
    const watch = new CallWatch();
    for (let n = 0; n < 5_000; n++) watch.see(channel(String(n)), noon + n);
    expect(watch.running).toBe(2_000);
    expect(watch.last(3)).toHaveLength(3);
  });
});
