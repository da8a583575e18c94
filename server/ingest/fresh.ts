import type { SeqRange } from "../../shared/wire.ts";
import type { StreamRow } from "../store/readStreams.ts";
import { holds, parseMultirange, rangesOf, unite } from "./ranges.ts";
import type { Batch, IncomingEvent, SiteContext } from "./types.ts";

/** An event that is not stored yet. */
export interface FreshEvent {
  site: SiteContext;
  streamId: number;
  event: IncomingEvent;
}

/** One stream as a transaction sees it: what was there when it began, and what it adds. */
export interface StreamView {
  siteId: number;
  received: SeqRange[];
  filled: SeqRange[];
  added: SeqRange[];
  /** Of `filled`: what gap markers of this transaction add. */
  fillsAdded: SeqRange[];
  /** Highest seq the agent said the stream has, and whether a marker of this transaction said so. */
  highestSeq: number;
  told: boolean;
}

export interface Sorted {
  fresh: FreshEvent[];
  /** Received before (or earlier in the same group). */
  known: FreshEvent[];
  streams: Map<number, StreamView>;
}

/** Subtracts what the streams have from the batches, each batch in turn. */
export function subtractReceived(batches: readonly Batch[], rows: readonly StreamRow[]): Sorted {
  const streams = new Map<number, StreamView>();
  for (const row of rows) streams.set(row.id, viewOf(row));
  const sorted: Sorted = { fresh: [], known: [], streams };
  for (const batch of batches) sortBatch(batch, sorted);
  return sorted;
}

/** What the stream will have once the transaction is committed, at least. */
export function settledIn(view: StreamView): SeqRange[] {
  return unite(unite(view.received, view.added), view.filled);
}

function viewOf({ siteId, received, filled, highestSeq }: StreamRow): StreamView {
  const had = { received: parseMultirange(received), filled: parseMultirange(filled) };
  return { siteId, ...had, added: [], fillsAdded: [], highestSeq, told: false };
}

function sortBatch({ site, streamId, report, events, unusable }: Batch, { fresh, known, streams }: Sorted): void {
  const view = streams.get(streamId);
  if (view === undefined) throw new Error(`stream ${streamId} of site ${site.id} vanished`);
  view.highestSeq = Math.max(view.highestSeq, report.highestSeq);
  const seqs: number[] = [];
  for (const event of events) {
    const isKnown = holds(view.received, event.seq) || holds(view.added, event.seq);
    (isKnown ? known : fresh).push({ site, streamId, event });
    if (!isKnown) seqs.push(event.seq);
  }
  for (const { event, reason } of unusable) {
    if (reason === "undigestible" && !holds(view.received, event.seq)) seqs.push(event.seq);
  }
  view.added = unite(view.added, rangesOf(seqs.sort((a, b) => a - b)));
}
