import { describe, expect, it } from "vitest";
import { gap } from "../markers.ts";
import { BlindLog } from "./blind.ts";

const blind = { fromMs: 1_000, toMs: 5_000, cause: "ami_lost" as const };
const recovered = (from: number, to: number, result: string) => ({
  Event: "RingpostRecovered",
  From: String(from),
  To: String(to),
  Source: "cel_sqlite",
  Rows: "7",
  Result: result,
});

describe("the times the agent was blind", () => {
  it("are each told once, also when a marker has to be written anew, and kept between runs", () => {
    const log = new BlindLog(undefined);
    expect(log.see(gap(blind))).toBe(true);
    expect(log.see(gap(blind))).toBe(false);
    expect(log.see(gap({ ...blind, cause: "outbox_full", count: 3 }))).toBe(true);
    expect(new BlindLog(log.toString()).periods).toEqual([
      { from: 1_000, to: 5_000, cause: "ami_lost", count: null, repair: null },
      { from: 1_000, to: 5_000, cause: "outbox_full", count: 3, repair: null },
    ]);
  });

  it("tell what came of reading Asterisk's own files for just that time", () => {
    const log = new BlindLog(undefined);
    log.see(gap(blind));
    expect(log.see(recovered(6_000, 7_000, "complete"))).toBe(false);
    expect(log.see(recovered(900, 5_100, "partial"))).toBe(true);
    expect(log.periods[0]?.repair).toEqual({ result: "partial", source: "cel_sqlite", rows: 7 });
  });
});
