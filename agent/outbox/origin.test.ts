import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { WireEvent } from "../../shared/wire.ts";
import { originOf, wireLine } from "./origin.ts";

const event = { at: 1_000_000, mono: 500, lag: 0 };
const after = (ms: number, wallJumpMs = 0) => ({ wallMs: event.at + ms + wallJumpMs, monoMs: event.mono + ms });

describe("live or downloaded", () => {
  it("is live up to the window and downloaded beyond it", () => {
    expect(originOf(event, after(15_000), 15_000, true)).toBe("live");
    expect(originOf(event, after(15_001), 15_000, true)).toBe("downloaded");
  });

  it("counts what the event was old already when it was captured", () => {
    expect(originOf({ ...event, lag: 14_000 }, after(2_000), 15_000, true)).toBe("downloaded");
  });

  it("is not moved by a jump of the wall clock within one run", () => {
    expect(originOf(event, after(1_000, 3_600_000), 15_000, true)).toBe("live");
    expect(originOf(event, after(1_000, -3_600_000), 15_000, true)).toBe("live");
  });

  it("goes by the wall clock after a restart, and takes an event from the future for an old one", () => {
    expect(originOf(event, after(5_000), 15_000, false)).toBe("live");
    expect(originOf(event, after(1_000, -60_000), 15_000, false)).toBe("downloaded");
  });

  it("makes a line that is an event of the wire", () => {
    const line = wireLine(7, { ...event, body: '{"Event":"Hangup"}' }, "live");
    expect(Value.Check(WireEvent, JSON.parse(line))).toBe(true);
    expect(line.endsWith("}\n")).toBe(true);
  });
});
