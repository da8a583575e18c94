import type { Gone } from "./gone.ts";
import type { OutboxSettings } from "./protocol.ts";
import type { Ranges } from "./ranges.ts";
import type { Store } from "./store.ts";

/** Rows one step may delete: short enough that a commit never waits long behind it. */
const PRUNED_ROWS_MAX = 2_000;

/** The rows, which of them the server has, and whoever tells what is lost. */
export interface PrunedFile {
  readonly store: Store;
  readonly done: Ranges;
  readonly gone: Gone;
}

/**
 * Deletes the oldest rows that are too many: first what the server has, beyond what is kept for it to ask again;
 * and, when the file's bound or age is reached, also what it has not: that is told as a gap.
 * Returns true when another step may be needed.
 */
export function pruneOnce(file: PrunedFile, settings: OutboxSettings, nowMs: number): boolean {
  const bounds = file.store.bounds();
  if (bounds === null) return false;
  const [lowest, highest] = bounds;
  const last = Math.min(highest, lowest + PRUNED_ROWS_MAX - 1);
  const usedBytes = file.store.usedBytes();
  const ageMs = nowMs - (file.store.capturedAt(lowest) ?? nowMs);
  if (usedBytes > settings.bytesMax || ageMs > settings.ageMsMax) {
    return evict(file, lowest, last, usedBytes > settings.bytesMax ? null : nowMs - settings.ageMsMax);
  }
  const ackedBytes = (usedBytes * file.done.countWithin(lowest, highest)) / (highest - lowest + 1);
  const tooBig = ackedBytes > settings.keepAckedBytesMax;
  if (!tooBig && ageMs <= settings.keepAckedMsMax) return false;
  const ackedTo = Math.min(last, file.done.firstMissing(lowest) - 1);
  const to = tooBig
    ? ackedTo
    : Math.min(ackedTo, lastOlderThan(file.store, lowest, last, nowMs - settings.keepAckedMsMax));
  if (to < lowest) return false;
  file.store.transaction(() => file.store.delete(lowest, to));
  return true;
}

/** The markers are written before the rows go, and those among the rows are written again: no gap is forgotten. */
function evict(file: PrunedFile, lowest: number, last: number, olderThan: number | null): boolean {
  const to = olderThan === null ? last : lastOlderThan(file.store, lowest, last, olderThan);
  if (to < lowest) return false;
  const unacked = file.done.missing(lowest, to);
  const markers = file.store.gapBodies(lowest, to).filter(({ seq }) => !file.done.has(seq));
  if (unacked.length > 0) file.gone.lose(unacked, "outbox_full");
  file.gone.tellAgain(markers.map(({ body }) => body));
  file.store.transaction(() => file.store.delete(lowest, to));
  return true;
}

/** Highest seq of `from..to` captured before `beforeMs`, by halving; `from - 1` when none is. */
export function lastOlderThan(store: Store, from: number, to: number, beforeMs: number): number {
  let [low, high] = [from - 1, to];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const at = store.capturedAt(middle);
    if (at !== undefined && at < beforeMs) low = middle;
    else high = middle - 1;
  }
  return low;
}
