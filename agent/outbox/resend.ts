import type { SeqRange } from "../../shared/wire.ts";
import type { EverAcked } from "./ever-acked.ts";
import type { Gone } from "./gone.ts";
import type { UnwrittenRows } from "./memory.ts";
import type { Ranges } from "./ranges.ts";
import type { Segments } from "./segments.ts";
import type { Store } from "./store.ts";
import type { Windows } from "./windows.ts";

const RESEND_MARGIN_MS = 60_000;

/** What is in the outbox, and what has become of it. */
export interface ResendingFile {
  readonly store: Store;
  readonly segments: Segments;
  readonly unwritten: UnwrittenRows;
  readonly highest: number;
  readonly done: Ranges;
  readonly gone: Gone;
  readonly everAcked: EverAcked;
  readonly windows: Windows;
  segmentEnd(seq: number): number;
  doneChanged(): void;
}

/** The server asks for what it has not got (any more). What is gone here is told as a gap, once. */
export function resend(file: ResendingFile, ranges: readonly SeqRange[]): void {
  const { gone, done, everAcked, unwritten } = file;
  const lowest = file.store.bounds()?.[0] ?? file.highest + 1;
  for (const [from, wanted] of ranges) {
    const to = Math.min(wanted, file.highest);
    for (const [lo, hi] of gone.told.missing(from, Math.min(to, lowest - 1))) {
      if (unwritten.within(lo, hi).length === 0) gone.lose([[lo, hi]], "outbox_full");
    }
    for (const [lo, hi] of gone.told.missing(Math.max(from, lowest), to)) {
      everAcked.again(lo, hi);
      done.remove(lo, hi);
    }
  }
  file.doneChanged();
}

/** Like resend, with seqs as they are on the wire. */
export function resendOf(file: ResendingFile, stream: string, ranges: readonly SeqRange[]): void {
  const segment = file.segments.named(stream);
  if (segment === undefined) return;
  const end = file.segmentEnd(segment.base + 1);
  resend(
    file,
    ranges.map(([from, to]) => [from + segment.base, Math.min(to + segment.base, end)]),
  );
}

/** Sends again what was captured in a span of time. Clocks jump: a margin on both sides makes sure of it. */
export function resendWindow(file: ResendingFile, id: string, fromMs: number, toMs: number): void {
  if (file.windows.knows(id)) return;
  const seqs = seqsOf(file, fromMs, toMs);
  if (seqs !== null) resend(file, [seqs]);
  file.windows.take(id, seqs, file.done, file.store.capturedAt(file.store.bounds()?.[0] ?? 0));
}

function seqsOf(file: ResendingFile, fromMs: number, toMs: number): SeqRange | null {
  const bounds = file.store.bounds();
  if (bounds === null) return null;
  const from = lastOlderThan(file.store, bounds[0], bounds[1], fromMs - RESEND_MARGIN_MS) + 1;
  const to = lastOlderThan(file.store, bounds[0], bounds[1], toMs + RESEND_MARGIN_MS);
  return from <= to ? [from, to] : null;
}

/** Highest seq of `from..to` captured before `beforeMs`, by halving; `from - 1` when none is. */
function lastOlderThan(store: Store, from: number, to: number, beforeMs: number): number {
  let [low, high] = [from - 1, to];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const at = store.capturedAt(middle);
    if (at !== undefined && at < beforeMs) low = middle;
    else high = middle - 1;
  }
  return low;
}
