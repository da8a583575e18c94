import { setTimeout as sleep } from "node:timers/promises";
import type { SiteStatus } from "../store/readStatus.ts";

/** Fewer than this are on their way, not a backlog. */
const EVENTS_MIN = 500;
const BETWEEN_LOOKS_MS = 2_000;

/** Seconds each site's backlog still takes, by site; null: it does not shrink now. Sites without a backlog are left out. */
export type DrainSeconds = ReadonlyMap<number, number | null>;

/** Looks a second time, two seconds later, where a backlog waits: how much it shrank tells how long it still takes. */
export async function readDrain(
  sites: readonly SiteStatus[],
  again: () => Promise<readonly SiteStatus[]>,
): Promise<DrainSeconds> {
  const late = sites.filter(({ backlog }) => backlog.waiting >= EVENTS_MIN);
  if (late.length === 0) return new Map();
  const began = performance.now();
  await sleep(BETWEEN_LOOKS_MS);
  const now = new Map((await again()).map(({ site, backlog }) => [site, backlog.waiting]));
  const tookSeconds = (performance.now() - began) / 1_000;
  return new Map(
    late.map(({ site, backlog: { waiting } }) => [site, drainSeconds(waiting, now.get(site) ?? 0, tookSeconds)]),
  );
}

function drainSeconds(before: number, now: number, tookSeconds: number): number | null {
  if (now >= before) return null;
  return Math.ceil((now * tookSeconds) / (before - now));
}
