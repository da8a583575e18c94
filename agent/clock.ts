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
