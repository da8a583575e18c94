import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Watchdog } from "./watchdog.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(advances: () => Promise<boolean>, usec: string | undefined = "3000000"): string[] {
  const said: string[] = [];
  new Watchdog((text) => said.push(text) > 0, usec).start({ advances });
  return said;
}

describe("the watchdog", () => {
  it("says that the agent is ready, and three times in systemd's time that it advances", async () => {
    const said = watch(async () => true);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(said).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
  });

  it("is silent while capture or commit stands still, also when the disk's thread gives no answer at all", async () => {
    for (const answer of [async () => false, () => new Promise<boolean>(() => {})]) {
      const said = watch(answer);
      await vi.advanceTimersByTimeAsync(9_000);
      expect(said).toEqual(["READY=1"]);
    }
  });

  it("only says ready when systemd watches no clock", async () => {
    const said = watch(async () => true, "");
    await vi.advanceTimersByTimeAsync(9_000);
    expect(said).toEqual(["READY=1"]);
  });
});
