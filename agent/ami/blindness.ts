import type { AmiEvent, GapCause } from "../../shared/ami-event.ts";
import { gap } from "../markers.ts";

/** By both clocks: the wall clock may be set later, and a time in which nothing was heard must not shrink or grow for it. */
export interface Instant {
  wallMs: number;
  monoMs: number;
}

/** Beyond it the two clocks do not only drift: the wall clock was set. */
const DRIFT_MS_MAX = 1_000;

/** A time in which nothing is heard. */
export interface Blindness {
  since: Instant;
  cause: GapCause;
  /** Asterisk has been answering since then, and refuses to be heard. */
  refused?: { since: Instant; problem: string };
}

/** When it was, by the wall clock as it stands now. */
export function wallMsOf({ wallMs, monoMs }: Instant, now: Instant): number {
  const byMonoMs = now.wallMs - Math.max(0, now.monoMs - monoMs);
  return Math.min(now.wallMs, Math.abs(byMonoMs - wallMs) <= DRIFT_MS_MAX ? wallMs : byMonoMs);
}

/** One blindness, in two parts when Asterisk refused the agent at its end. */
export function gapsOf({ since, cause, refused }: Blindness, now: Instant, restarted: boolean): AmiEvent[] {
  const why = restarted && cause === "ami_lost" ? "asterisk_restarted" : cause;
  const [fromMs, toMs] = [wallMsOf(since, now), now.wallMs];
  if (refused === undefined) return [gap({ fromMs, toMs, cause: why })];
  const refusedFromMs = Math.max(fromMs, wallMsOf(refused.since, now));
  const before = refusedFromMs > fromMs ? [gap({ fromMs, toMs: refusedFromMs, cause: why })] : [];
  return [...before, gap({ fromMs: refusedFromMs, toMs, cause: "rights_missing", detail: refused.problem })];
}
