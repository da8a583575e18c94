import type { Ages } from "./ages.ts";
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
  readonly ages: Ages;
}

/**
 * Deletes the oldest rows that are too many: first what the server has, beyond what is kept for it to ask again;
 * and, when the file's bound or age is reached, also what it has not: that is told as a gap.
 * Returns true when another step may be needed.
 */
export function pruneOnce(file: PrunedFile, settings: OutboxSettings): boolean {
  const bounds = file.store.bounds();
  if (bounds === null) return false;
  const [lowest, highest] = bounds;
  const last = Math.min(highest, lowest + PRUNED_ROWS_MAX - 1);
  const usedBytes = file.store.usedBytes();
  if (usedBytes > settings.bytesMax) return evict(file, lowest, last);
  const agedTo = file.ages.olderThan(settings.ageMsMax);
  if (agedTo >= lowest) return evict(file, lowest, Math.min(last, agedTo));
  const ackedBytes = (usedBytes * file.done.countWithin(lowest, highest)) / (highest - lowest + 1);
  const tooBig = ackedBytes > settings.keepAckedBytesMax;
  const deletable = tooBig ? last : Math.min(last, file.ages.olderThan(settings.keepAckedMsMax));
  const to = Math.min(deletable, file.done.firstMissing(lowest) - 1);
  if (to < lowest) return false;
  file.store.transaction(() => file.store.delete(lowest, to));
  return true;
}

/** The markers are written before the rows go, and those among the rows are written again: no gap is forgotten. */
function evict(file: PrunedFile, lowest: number, to: number): boolean {
  const unacked = file.done.missing(lowest, to);
  const markers = file.store.gapBodies(lowest, to).filter(({ seq }) => !file.done.has(seq));
  if (unacked.length > 0) file.gone.lose(unacked, "outbox_full");
  file.gone.tellAgain(markers.map(({ body }) => body));
  file.store.transaction(() => file.store.delete(lowest, to));
  return true;
}
