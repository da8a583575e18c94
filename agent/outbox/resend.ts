import type { SeqRange } from "../../shared/wire.ts";
import type { Keeper } from "./keeper.ts";
import { lastOlderThan } from "./retention.ts";

const RESEND_MARGIN_MS = 60_000;

/** The server asks for what it has not got (any more). What is gone here is told as a gap, once. */
export function resend(keeper: Keeper, ranges: readonly SeqRange[]): void {
  const { gone, done, everAcked, unwritten } = keeper;
  const lowest = keeper.store.bounds()?.[0] ?? keeper.highest + 1;
  for (const [from, wanted] of ranges) {
    const to = Math.min(wanted, keeper.highest);
    for (const [lo, hi] of gone.told.missing(from, Math.min(to, lowest - 1))) {
      if (unwritten.within(lo, hi).length === 0) gone.lose([[lo, hi]], "outbox_full");
    }
    for (const [lo, hi] of gone.told.missing(Math.max(from, lowest), to)) {
      everAcked.again(lo, hi);
      done.remove(lo, hi);
    }
  }
  keeper.doneChanged();
}

/** Like resend, with seqs as they are on the wire. */
export function resendOf(keeper: Keeper, stream: string, ranges: readonly SeqRange[]): void {
  const segment = keeper.segments.named(stream);
  if (segment === undefined) return;
  const end = keeper.segmentEnd(segment.base + 1);
  resend(
    keeper,
    ranges.map(([from, to]) => [from + segment.base, Math.min(to + segment.base, end)]),
  );
}

/** Sends again what was captured in a span of time. Clocks jump: a margin on both sides makes sure of it. */
export function resendWindow(keeper: Keeper, id: string, fromMs: number, toMs: number): void {
  if (keeper.windows.knows(id)) return;
  const seqs = seqsOf(keeper, fromMs, toMs);
  if (seqs !== null) resend(keeper, [seqs]);
  keeper.windows.take(id, seqs, keeper.done, keeper.store.capturedAt(keeper.store.bounds()?.[0] ?? 0));
}

function seqsOf(keeper: Keeper, fromMs: number, toMs: number): SeqRange | null {
  const bounds = keeper.store.bounds();
  if (bounds === null) return null;
  const from = lastOlderThan(keeper, bounds[0], bounds[1], fromMs - RESEND_MARGIN_MS) + 1;
  const to = lastOlderThan(keeper, bounds[0], bounds[1], toMs + RESEND_MARGIN_MS);
  return from <= to ? [from, to] : null;
}
