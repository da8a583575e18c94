import type { Told } from "../oracle/journal.ts";
import type { Sending, WireTap } from "../stack/tap.ts";
import type { StoredEvent } from "./evidence.ts";

/** Between the agent's look at its clock and the request's header some time passes. */
const TOLERANCE_MS = 1_000;

/**
 * What is wrong with the tags: an event sent with the wrong one for its age (by the agent's clock and the event's own
 * Timestamp), or stored with one it was never sent with. A second sending may be `downloaded` at any age: it was asked for.
 */
export function judgeTags(options: {
  told: readonly Told[];
  stored: readonly StoredEvent[];
  tap: WireTap;
  windowMs: number;
  /** When the machine's clock was set (test's monotonic ms): around these the age means nothing. */
  clockJumps: readonly number[];
}): string[] {
  const { tap, windowMs, clockJumps } = options;
  const byNumber = new Map(options.stored.map((row) => [row.number, row]));
  const wrongs: string[] = [];
  for (const told of options.told) {
    const sendings = tap.sendings.get(told.number) ?? [];
    const row = byNumber.get(told.number);
    if (row !== undefined && sendings.length > 0 && sendings.every(({ origin }) => origin !== row.origin)) {
      wrongs.push(`Event ${told.number} is stored as ${row.origin}, it was never sent so`);
    }
    if (clockJumps.some((jump) => told.mono < jump && jump - told.mono < 60_000)) continue;
    sendings.forEach((sending, i) => {
      const wrong = wrongTag(sending, sending.sentAt - told.at, windowMs, i > 0);
      if (wrong !== null) wrongs.push(`Event ${told.number} ${wrong}`);
    });
  }
  return wrongs;
}

function wrongTag({ origin }: Sending, ageMs: number, windowMs: number, again: boolean): string | null {
  if (origin === "live" && ageMs > windowMs + TOLERANCE_MS)
    return `was sent as live ${Math.round(ageMs)} ms after it happened`;
  if (origin === "downloaded" && !again && ageMs < windowMs - TOLERANCE_MS) {
    return `was sent as downloaded ${Math.round(ageMs)} ms after it happened`;
  }
  return origin === "recovered" ? "was sent as recovered, though it came over AMI" : null;
}
