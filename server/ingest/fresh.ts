import type { SeqRange } from "../../shared/wire.ts";
import type { StreamRow } from "../store/readStreams.ts";
import { INGEST_LIMITS } from "./limits.ts";
import { holds, overlap, parseMultirange, rangesOf, subtract, unite } from "./ranges.ts";
import type { Batch, IncomingEvent, SiteContext } from "./types.ts";

/** An event that is not stored yet. */
export interface FreshEvent {
  site: SiteContext;
  streamId: number;
  event: IncomingEvent;
}

/** The database has no such stream, or another one under its number: it was put back to an older copy under this server. */
export class StreamVanished extends Error {
  constructor({ site, streamUuid }: Batch) {
    super(`stream ${streamUuid} of site ${site.id} is not in the database any more`);
  }
}

/** One stream as a transaction sees it: what was there when it began, and what it adds. */
export interface StreamView {
  uuid: string;
  siteId: number;
  kind: StreamRow["kind"];
  received: SeqRange[];
  filled: SeqRange[];
  added: SeqRange[];
  /** Of `filled`: what gap markers of this transaction add. */
  fillsAdded: SeqRange[];
  /** What had been acked when the database was put back to an older copy. */
  ackedBefore: SeqRange[];
  /** Highest seq the agent said the stream has, and whether a marker of this transaction said so. */
  highestSeq: number;
  told: boolean;
  repairing: StreamRow["repairing"];
  /** When the site's database was last found put back to an older copy, epoch ms. */
  putBackAt: number | null;
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

/** What the stream will have once the transaction is committed, at least. A file has no holes that anything could wait for. */
export function settledIn(view: StreamView): SeqRange[] {
  if (view.kind === "file") return [[1, Number.MAX_SAFE_INTEGER]];
  return unite(unite(view.received, view.added), view.filled);
}

/**
 * Sites whose agents have not yet sent again all that this database lacks since it was put back to an older copy; what never
 * comes is not waited for for ever.
 */
export function refillingSites({ streams }: Sorted, now: number): Set<number> {
  const isWaitedFor = ({ putBackAt }: StreamView): boolean =>
    putBackAt !== null && now < putBackAt + INGEST_LIMITS.refillWaitMsMax;
  const lacks = (view: StreamView): boolean => subtract(view.ackedBefore, settledIn(view)).length > 0;
  return new Set([...streams.values()].filter((view) => isWaitedFor(view) && lacks(view)).map(({ siteId }) => siteId));
}

/** Sites of which the last of that comes with this transaction. */
export function refilledSites(sorted: Sorted, now: number): number[] {
  const refilling = refillingSites(sorted, now);
  const brings = ({ added, fillsAdded, ackedBefore }: StreamView): boolean =>
    overlap(unite(added, fillsAdded), ackedBefore);
  return [...sorted.streams.values()].flatMap((view) =>
    brings(view) && !refilling.has(view.siteId) ? view.siteId : [],
  );
}

function viewOf({
  uuid,
  siteId,
  kind,
  received,
  filled,
  ackedBefore,
  highestSeq,
  repairing,
  putBackAt,
}: StreamRow): StreamView {
  const had = { received: parseMultirange(received), filled: parseMultirange(filled) };
  const before = parseMultirange(ackedBefore);
  return {
    uuid,
    siteId,
    kind,
    ...had,
    added: [],
    fillsAdded: [],
    ackedBefore: before,
    highestSeq,
    told: false,
    repairing,
    putBackAt,
  };
}

function sortBatch(batch: Batch, { fresh, known, streams }: Sorted): void {
  const { site, streamId, span, report, events, unusable } = batch;
  const view = streams.get(streamId);
  if (view?.uuid !== batch.streamUuid) throw new StreamVanished(batch);
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
  const ranges = rangesOf(seqs.sort((a, b) => a - b));
  view.added = unite(view.added, view.kind === "file" && span !== undefined ? withSpan(view, ranges, span) : ranges);
}

/** One range for the whole request: noted row by row, a file of a million rows would be as many ranges. */
function withSpan({ received, added }: StreamView, ranges: readonly SeqRange[], span: SeqRange): SeqRange[] {
  return unite(subtract([span], unite(received, added)), ranges);
}
