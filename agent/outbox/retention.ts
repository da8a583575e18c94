import type { Keeper } from "./keeper.ts";
import type { OutboxSettings } from "./protocol.ts";

/** Rows one step may delete: short enough that a commit never waits long behind it. */
const PRUNED_ROWS_MAX = 2_000;

/**
 * Deletes the oldest rows that are too many: first what the server has, beyond what is kept for it to ask again;
 * and, when the file's bound or age is reached, also what it has not: that is told as a gap.
 * Returns true when another step may be needed.
 */
export function pruneOnce(keeper: Keeper, settings: OutboxSettings, nowMs: number): boolean {
  const bounds = keeper.store.bounds();
  if (bounds === null) return false;
  const [lowest, highest] = bounds;
  const last = Math.min(highest, lowest + PRUNED_ROWS_MAX - 1);
  const usedBytes = keeper.store.usedBytes();
  const ageMs = nowMs - (keeper.store.capturedAt(lowest) ?? nowMs);
  if (usedBytes > settings.bytesMax || ageMs > settings.ageMsMax) {
    return evict(keeper, lowest, last, usedBytes > settings.bytesMax ? null : nowMs - settings.ageMsMax);
  }
  const ackedBytes = (usedBytes * keeper.done.countWithin(lowest, highest)) / (highest - lowest + 1);
  const tooBig = ackedBytes > settings.keepAckedBytesMax;
  if (!tooBig && ageMs <= settings.keepAckedMsMax) return false;
  const ackedTo = Math.min(last, keeper.done.firstMissing(lowest) - 1);
  const to = tooBig ? ackedTo : Math.min(ackedTo, lastOlderThan(keeper, lowest, last, nowMs - settings.keepAckedMsMax));
  if (to < lowest) return false;
  keeper.store.transaction(() => keeper.store.delete(lowest, to));
  return true;
}

/** The markers are written before the rows go, and those among the rows are written again: no gap is forgotten. */
function evict(keeper: Keeper, lowest: number, last: number, olderThan: number | null): boolean {
  const to = olderThan === null ? last : lastOlderThan(keeper, lowest, last, olderThan);
  if (to < lowest) return false;
  const unacked = keeper.done.missing(lowest, to);
  const markers = keeper.store.gapBodies(lowest, to).filter(({ seq }) => !keeper.done.has(seq));
  if (unacked.length > 0) keeper.gone.lose(unacked, "outbox_full");
  keeper.gone.tellAgain(markers.map(({ body }) => body));
  keeper.store.transaction(() => keeper.store.delete(lowest, to));
  return true;
}

/** Highest seq of `from..to` captured before `beforeMs`, by halving; `from - 1` when none is. */
export function lastOlderThan(keeper: Keeper, from: number, to: number, beforeMs: number): number {
  let [low, high] = [from - 1, to];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const at = keeper.store.capturedAt(middle);
    if (at !== undefined && at < beforeMs) low = middle;
    else high = middle - 1;
  }
  return low;
}
