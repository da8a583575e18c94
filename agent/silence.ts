import { GAP_CAUSES, type GapCause } from "../shared/ami-event.ts";
import type { Blindness, Phase } from "./ami/blindness.ts";
import { isHeard, isOfThisBoot, silentSince, type Heard, type Moment } from "./heard.ts";

type Kept = Heard & { cause: GapCause; detail?: string };

/** What the next run must know of a time in which nothing is heard; empty: AMI is heard. */
export function silenceText(blindness: Blindness | null, boot: string): string {
  const kept = blindness?.map(({ since, cause, detail }): Kept => ({
    at: since.wallMs,
    mono: since.monoMs,
    boot,
    cause,
    ...(detail === undefined ? {} : { detail }),
  }));
  return kept === undefined ? "" : JSON.stringify(kept);
}

/** Of this boot as it was kept, else by the wall clock; undefined when AMI was heard to the last, and for what no agent wrote. */
export function readSilence(text: string | undefined, now: Moment): Blindness | undefined {
  const [first, ...rest] = keptIn(text).map((kept) => phaseOf(kept, now));
  return first === undefined ? undefined : [first, ...rest];
}

function keptIn(text: string | undefined): Kept[] {
  try {
    const kept: unknown = JSON.parse(text ?? "");
    return Array.isArray(kept) && kept.every(isKept) ? kept : [];
  } catch {
    return [];
  }
}

function isKept(value: unknown): value is Kept {
  return isHeard(value) && GAP_CAUSES.some((cause) => cause === (value as Partial<Kept>).cause);
}

function phaseOf({ cause, detail, ...heard }: Kept, now: Moment): Phase {
  const since = isOfThisBoot(heard, now)
    ? { wallMs: heard.at, monoMs: heard.mono }
    : instantOf(silentSince(heard, null, now) ?? now.wallMs, now);
  return { since, cause, detail };
}

/** A time of this run or of an earlier one, by both clocks. */
export function instantOf(wallMs: number, now: Moment): Phase["since"] {
  return { wallMs, monoMs: now.monoMs - (now.wallMs - wallMs) };
}
