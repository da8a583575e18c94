import { describe, expect, it } from "vitest";
import { Capture, NEVER_LATE } from "./capture.ts";

const at = 1_800_000_000_000;
const clock = { wallMs: () => at, monoMs: () => 42 };
const stamped = (ms: number) => ({ Event: "Hangup", Linkedid: "1.1", Timestamp: (ms / 1000).toFixed(6) });

describe("turning an event into a row", () => {
  it("stores name, Linkedid, both clocks and the body as JSON text", () => {
    const row = new Capture(clock, NEVER_LATE).row({ Event: "Hangup", Linkedid: "1.1" });
    expect(row).toEqual({
      at,
      mono: 42,
      lag: 0,
      name: "Hangup",
      linkedid: "1.1",
      body: '{"Event":"Hangup","Linkedid":"1.1"}',
    });
  });

  it("counts the age from the PBX's Timestamp: bytes that lay in a socket for a minute are a minute old", () => {
    expect(new Capture(clock, NEVER_LATE).row(stamped(at - 60_000)).lag).toBe(60_000);
  });

  it("takes the difference of the clocks away, once Ping has told it", () => {
    const capture = new Capture(clock, NEVER_LATE);
    capture.measuredPbxClock(-300_000);
    expect(capture.row(stamped(at - 300_000)).lag).toBe(0);
    expect(capture.row(stamped(at - 320_000)).lag).toBe(20_000);
    capture.measuredPbxClock(900);
    expect(capture.pbxAheadMs).toBe(0);
  });

  it("does not believe a PBX that lives in 1970 or 2099", () => {
    const capture = new Capture(clock, NEVER_LATE);
    expect(capture.row(stamped(1_000)).lag).toBe(0);
    expect(capture.row(stamped(4_070_908_800_000)).lag).toBe(0);
    expect(capture.row({ Event: "X", Timestamp: "soon" }).lag).toBe(0);
  });

  it("counts the time the agent itself was stopped, unless the event says itself how old it is", () => {
    const capture = new Capture(clock, { ageMs: () => 61_000 });
    expect(capture.row({ Event: "X" }).lag).toBe(61_000);
    expect(capture.row(stamped(at - 200)).lag).toBe(200);
    expect(capture.row(stamped(1_000)).lag).toBe(61_000);
  });
});
