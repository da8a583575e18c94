import type { AmiEvent, GapCause } from "../../shared/ami-event.ts";
import { gap } from "../markers.ts";

/** A time in which nothing is heard. */
export interface Blindness {
  sinceMs: number;
  cause: GapCause;
  /** Asterisk has been answering since then, and refuses to be heard. */
  refused?: { sinceMs: number; problem: string };
}

/** One blindness, in two parts when Asterisk refused the agent at its end. */
export function gapsOf({ sinceMs, cause, refused }: Blindness, nowMs: number, restarted: boolean): AmiEvent[] {
  const why = restarted && cause === "ami_lost" ? "asterisk_restarted" : cause;
  const toMs = Math.max(nowMs, sinceMs);
  if (refused === undefined) return [gap({ fromMs: sinceMs, toMs, cause: why })];
  const refusedFromMs = Math.min(Math.max(refused.sinceMs, sinceMs), toMs);
  const before = refusedFromMs > sinceMs ? [gap({ fromMs: sinceMs, toMs: refusedFromMs, cause: why })] : [];
  return [...before, gap({ fromMs: refusedFromMs, toMs, cause: "rights_missing", detail: refused.problem })];
}
