import { SILENCE_SECONDS_MIN } from "../store/readCoverage.ts";
import type { SiteStatus } from "../store/readStatus.ts";
import type { SyncRow } from "../store/syncRows.ts";
import type { Messages } from "./messages.ts";
import { duration } from "./print.ts";

/** Beyond it live and downloaded can no longer be told apart well. */
const clockSkewMsMax = 5_000;

/** What is wrong with a site, worst first. */
export const TROUBLES = ["unheard", "ami", "conflict", "agent", "missing", "clock", "never_heard"] as const;
export type TroubleCode = (typeof TROUBLES)[number];

export interface Trouble {
  code: TroubleCode;
  text: string;
}

/** Everything that is wrong with a site, worst first, in words with what to do. */
export function troublesOf(site: SiteStatus, sync: SyncRow | null, now: Date, say: Messages): Trouble[] {
  const found: Record<TroubleCode, string | undefined> = {
    unheard: silence(site, now, say),
    // The agent's own words say it better.
    ami: site.ami !== null && site.ami !== "connected" && site.problem === null ? say.amiTrouble(site.ami) : undefined,
    conflict: site.conflicts > 0 ? say.conflicts(site.conflicts) : undefined,
    agent: site.problem ?? undefined,
    missing: sync?.failed_rising ? say.moreMissing(sync.failed_events_count) : undefined,
    clock: skew(site, say),
    never_heard: site.last_seen === null ? say.neverHeard : undefined,
  };
  return TROUBLES.flatMap((code) => {
    const text = found[code];
    return text === undefined ? [] : [{ code, text }];
  });
}

/** Sites in trouble before the others, the worst of them first. */
export function bySeverity(a: readonly Trouble[], b: readonly Trouble[]): number {
  return severity(a) - severity(b);
}

function severity([worst]: readonly Trouble[]): number {
  return worst === undefined ? TROUBLES.length : TROUBLES.indexOf(worst.code);
}

function silence({ last_seen }: SiteStatus, now: Date, say: Messages): string | undefined {
  if (last_seen === null) return undefined;
  const seconds = (now.getTime() - last_seen.getTime()) / 1000;
  return seconds > SILENCE_SECONDS_MIN ? say.unheardFor(duration(seconds)) : undefined;
}

function skew({ clock_skew_ms }: SiteStatus, say: Messages): string | undefined {
  const skewMs = Math.abs(clock_skew_ms ?? 0);
  return skewMs > clockSkewMsMax ? say.clockSkew(duration(skewMs / 1000)) : undefined;
}
