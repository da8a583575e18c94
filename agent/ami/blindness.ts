import type { AmiEvent, GapCause } from "../../shared/ami-event.ts";
import { gap } from "../markers.ts";

/** By both clocks: the wall clock may be set later, and a time in which nothing was heard must not shrink or grow for it. */
export interface Instant {
  wallMs: number;
  monoMs: number;
}

/** Beyond it the two clocks do not only drift: the wall clock was set. */
const DRIFT_MS_MAX = 1_000;

/** From when on nothing is heard for this cause: until the next phase, or until Asterisk is heard again. */
export interface Phase {
  since: Instant;
  cause: GapCause;
  /** In words, where there is more to say than the cause. */
  detail?: string | undefined;
}

/** A time in which nothing is heard, and why: first AMI is lost, say, then the agent is stopped, then Asterisk refuses it. */
export type Blindness = readonly [Phase, ...Phase[]];

/** When it was, by the wall clock as it stands now. */
export function wallMsOf({ wallMs, monoMs }: Instant, now: Instant): number {
  const byMonoMs = now.wallMs - Math.max(0, now.monoMs - monoMs);
  return Math.min(now.wallMs, Math.abs(byMonoMs - wallMs) <= DRIFT_MS_MAX ? wallMs : byMonoMs);
}

/** One gap a phase, without those that took no time; a blindness that took none at all is still one. */
export function gapsOf(blindness: Blindness, now: Instant, restarted: boolean): AmiEvent[] {
  const starts: number[] = [];
  for (const { since } of blindness) starts.push(Math.max(wallMsOf(since, now), starts.at(-1) ?? 0));
  return blindness.flatMap(({ since, cause, detail }, index) => {
    const [fromMs = now.wallMs, toMs = now.wallMs] = starts.slice(index, index + 2);
    const isLast = index === blindness.length - 1;
    const why = restarted && cause === "ami_lost" ? "asterisk_restarted" : cause;
    const sinceMs = since.wallMs === fromMs ? undefined : since.wallMs;
    return toMs > fromMs || isLast ? [gap({ fromMs, toMs, cause: why, detail, sinceMs })] : [];
  });
}
