/** Every bound of the deliveries. */
export const DELIVERY_LIMITS = {
  /** Calls told at once to one target by one server: a slow endpoint keeps only its own calls waiting. */
  perTargetMax: 8,
  /** Calls a server holds in memory for one target; the others wait in the database. */
  perTargetWaitingMax: 500,
  requestMsMax: 10_000,
  /** For one question to a name server. */
  resolveMsMax: 2_000,
  /** What a channel may take for one message. */
  sendMsMax: 12_000,
  /** What was owed before a start waits so long at most for the site's agent to be heard. */
  doubtMsMax: 60_000,
  /** Longer than `sendMsMax`: who has not finished by then has died. */
  claimMsMax: 20_000,
  /** What was sent is noted, with so many tries so far apart, before the claim ends. */
  noteTriesMax: 20,
  noteAgainMs: 300,
  redirectsMax: 3,
  drainMsMax: 1_000,
  responseBytesMax: 64 * 1024,
  errorCharsMax: 300,
  retryDelayMsMin: 5_000,
  retryDelayMsMax: 3_600_000,
  /** After that it is dead. */
  retryAgeMsMax: 24 * 3_600_000,
  /** Failures in a row that open an endpoint's circuit. */
  circuitFailuresMax: 5,
  circuitOpenMs: 30_000,
  sweepEveryMs: 3_000,
  overdueMsMin: 3_000,
  sweptMax: 1_000,
  deletedAtOnceMax: 10_000,
  /** A live start, dial or bridge that waited longer gives way to the call's present state; later messages say `delayed`. */
  liveAgeMsMax: 60_000,
} as const;

/** How long to wait after the nth failed attempt (from 1): doubling, the upper half of it by chance. */
export function retryDelayMs(attempts: number, random: () => number): number {
  const { retryDelayMsMin, retryDelayMsMax } = DELIVERY_LIMITS;
  const delay = Math.min(retryDelayMsMin * 2 ** Math.min(attempts - 1, 30), retryDelayMsMax);
  return Math.round(delay * (0.5 + random() / 2));
}
