import { readFileSync } from "node:fs";

/** Time as the agent sees it; passed in so that tests own it. */
export interface Clock {
  /** Wall clock, epoch ms. May jump. */
  wallMs(): number;
  /** Monotonic since the machine started, whole ms. Never jumps, and goes on while the process is stopped. */
  monoMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => Number(process.hrtime.bigint() / 1_000_000n),
};

/** Names this boot of the machine: the monotonic clock counts from it. Empty where the machine does not tell. */
export const BOOT: string = bootId();

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
