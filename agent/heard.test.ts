import { describe, expect, it } from "vitest";
import { heardText, readHeard, silentSince } from "./heard.ts";

const NOW = { wallMs: 1_000_000, monoMs: 50_000, boot: "b" };

describe("since when nothing was heard", () => {
  it("is unknown to a new outbox", () => {
    expect(silentSince(undefined, null, NOW)).toBeUndefined();
  });

  it("is told by the monotonic clock within one boot, wherever the wall clock was set to", () => {
    const ahead = { at: 5_000_000, mono: 49_000, boot: "b" };
    expect(silentSince(ahead, null, NOW)).toBe(999_000);
    expect(silentSince(ahead, { at: 5_000_500, mono: 49_500, lag: 0 }, NOW)).toBe(999_500);
    expect(silentSince({ ...ahead, at: 10 }, { at: 20, mono: 49_500, lag: 0 }, NOW)).toBe(999_500);
  });

  it("is told by the wall clock after a boot, but never by a time that is not yet", () => {
    expect(silentSince({ at: 900_000, mono: 7, boot: "a" }, { at: 950_000, mono: 9, lag: 0 }, NOW)).toBe(950_000);
    expect(silentSince({ at: 900_000, mono: 7, boot: "a" }, { at: 5_000_000, mono: 9, lag: 0 }, NOW)).toBe(900_000);
    expect(silentSince({ at: 5_000_000, mono: 7, boot: "a" }, null, NOW)).toBe(1_000_000);
  });

  it("begins with the age of the newest event, which lay in a socket: what came behind it was lost with the process", () => {
    const heard = { at: 900_000, mono: 30_000, boot: "b" };
    expect(silentSince(heard, { at: 999_900, mono: 49_900, lag: 12_000 }, NOW)).toBe(987_900);
    expect(silentSince(heard, { at: 999_900, mono: 49_900, lag: 60_000 }, NOW)).toBe(980_000);
    expect(silentSince({ ...heard, boot: "a" }, { at: 999_900, mono: 49_900, lag: 12_000 }, NOW)).toBe(987_900);
  });

  it("survives what it was written as, and nothing else", () => {
    expect(readHeard(heardText(NOW))).toEqual({ at: 1_000_000, mono: 50_000, boot: "b" });
    expect(readHeard(undefined)).toBeUndefined();
    expect(readHeard("12345")).toBeUndefined();
    expect(readHeard("{}")).toBeUndefined();
  });
});
