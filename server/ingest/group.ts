import type { ClientBase } from "pg";
import { type AssembledCall, clockTime } from "../assemble/index.ts";
import type { SeqRange } from "../../shared/wire.ts";
import { addReceived, type ReceivedRow } from "../store/addReceived.ts";
import {
  endOlderOutboxes,
  findStreams,
  insertGaps,
  settleGaps,
  tellHoles,
  type EndedStream,
  type NewOutbox,
} from "../store/gaps.ts";
import { insertEvents } from "../store/insertEvents.ts";
import { lockSites } from "../store/lockSites.ts";
import { readStreams } from "../store/readStreams.ts";
import { repairGaps } from "../store/repairGaps.ts";
import { findConflicts, insertRejected } from "../store/rejectedEvents.ts";
import { insertMarkers } from "../store/siteMarkers.ts";
import { together } from "../store/transaction.ts";
import type { Assembler } from "./assembler.ts";
import type { Ingested } from "./counts.ts";
import { type FreshEvent, refilledSites, settledIn, type Sorted, type StreamView, subtractReceived } from "./fresh.ts";
import { beginsNewOutbox, readContinued, readGap, tellsBlindness } from "./gaps.ts";
import { keyEvents, type KeyedEvent, toEventRow } from "./keyed.ts";
import type { CallMemories, CallMemory } from "./memory.ts";
import { isToldBefore, refusePutBack, wasAcked } from "./put-back.ts";
import { formatMultirange, highest, overlap, type Ranges, unite } from "./ranges.ts";
import { followRepairs, readTimes, repairsUnderWay } from "./repairs.ts";
import { type Retold, retellCalls } from "./retell.ts";
import { addMarkers, gatherCalls, Overtaken, type Touched } from "./touched.ts";
import type { Batch, Rejection, SiteContext } from "./types.ts";
import { toMemories, waitingSites, writeCalls, writeParts, countCalls } from "./write-calls.ts";
import type { WriteContext, Writing } from "./writing.ts";

/** What is written in one transaction. */
export interface Work {
  batches: readonly Batch[];
  /** Calls to look at again: what they waited for is in. */
  reviewed: readonly { site: SiteContext; callId: number }[];
}

export interface Written {
  /** To be remembered once the transaction is committed. */
  memories: CallMemory[];
  /** Sites where a hole was filled, or a call was left waiting for earlier events. */
  reviewSites: Map<number, SiteContext>;
  rejected: Rejection[];
  /** By stream id: seqs received or known never to come, at least. */
  settled: Map<number, Ranges>;
  ingested: Ingested;
}

/**
 * The story of one transaction: subtract what is there, lock the calls that the rest touches, store it, tell the calls, write
 * them, and last note the seqs as received. Throws Overtaken when another writer was first: roll back and repeat. Every await
 * is a round trip to PostgreSQL: what needs no answer of what is sent before it goes `together` with it.
 */
export async function writeGroup(
  client: ClientBase,
  work: Work,
  assembler: Assembler,
  memories: CallMemories,
  receivedAt: number,
): Promise<Written> {
  const sites = sitesOf(work);
  const marked = markedSites(work, assembler);
  const [, , streams] = await together([
    client.query("BEGIN"),
    lockSites(client, new Map([...sites.keys()].map((id) => [id, marked.has(id) ? "alone" : "shared"]))),
    readStreams(client, [...sites.keys()]),
  ]);
  memories.belongTo(streams[0]?.databaseStarted);
  const sorted = subtractReceived(work.batches, streams);
  refusePutBack(work.batches, sorted);
  const { keyed, rejected } = keyEvents(sorted.fresh, assembler);
  rejected.push(...unusableOf(work.batches), ...(await conflictsAmong(client, sorted.known)));
  const filled = await keepMarkers(client, keyed, sorted, receivedAt);
  const touched = await gatherCalls(client, keyed, { reviewed: work.reviewed, marked: [...marked.values()] });
  const settled = new Map([...sorted.streams].map(([id, view]) => [id, settledIn(view)]));
  const context: WriteContext = {
    receivedAt,
    settled: (stream) => settled.get(stream) ?? [],
    highestSeq: (stream) => sorted.streams.get(stream)?.highestSeq ?? 0,
    isBeingRepaired: repairsUnderWay(sorted, receivedAt),
    wasAcked: (proof) => wasAcked(proof, sorted.streams),
  };
  const [{ retold, writings }] = await together([
    tellCalls(client, touched, assembler, memories, context),
    insertEvents(client, receivedAt, keyed.map(toEventRow)),
  ]);
  rejected.push(...undigestibleOf(retold, sorted.fresh));
  const read = await readTimes(
    client,
    writings.map(({ row, call }) => ({ siteId: row.siteId, call })),
    sorted,
  );
  const told = (siteId: number, call: AssembledCall) => isToldBefore(call, sorted.streams, read.get(siteId) ?? []);
  await together([
    writeParts(client, retold, writings, { ...context, isToldBefore: told }),
    insertRejected(client, rejected.map(toRejectedRow)),
    noteReceived(client, work.batches, sorted),
  ]);
  await repairGaps(client, repairableSites(sorted), receivedAt);
  const reviewSites = new Map(
    [...waitingSites(writings), ...filled, ...filledHoles(sorted), ...refilledSites(sorted, receivedAt)].map((id) => [
      id,
      sites.get(id)!,
    ]),
  );
  const counts = { fresh: sorted.fresh.length, duplicates: sorted.known.length, rejected, ...countCalls(writings) };
  return { memories: toMemories(writings), reviewSites, rejected, settled, ingested: counts };
}

/** Tells the calls, while PostgreSQL is busy with the events, and writes their rows. */
async function tellCalls(
  client: ClientBase,
  touched: readonly Touched[],
  assembler: Assembler,
  memories: CallMemories,
  context: WriteContext,
): Promise<{ retold: Retold[]; writings: Writing[] }> {
  await addMarkers(client, touched);
  const retold = await retellCalls(client, touched, assembler, memories);
  return { retold, writings: await writeCalls(client, retold, context) };
}

function sitesOf({ batches, reviewed }: Work): Map<number, SiteContext> {
  return new Map([...batches, ...reviewed].map(({ site }) => [site.id, site]));
}

/** Sites with a marker that may close any of their calls; told before anything is read, so duplicates count too. */
function markedSites({ batches }: Work, { isSiteMarker }: Assembler): Map<number, SiteContext> {
  const isMarker = (ev: FreshEvent["event"]["ev"]) => {
    try {
      return isSiteMarker(ev);
    } catch {
      return false;
    }
  };
  const marked = batches.filter(({ events }) => events.some(({ ev }) => isMarker(ev)));
  return new Map(marked.map(({ site }) => [site.id, site]));
}

function unusableOf(batches: readonly Batch[]): Rejection[] {
  return batches.flatMap(({ site, streamId, unusable }) =>
    unusable.map((set) => ({ siteId: site.id, streamId, ...set })),
  );
}

/** Same stream and seq as before, other content: both are kept, nobody's is lost. */
async function conflictsAmong(client: ClientBase, known: readonly FreshEvent[]): Promise<Rejection[]> {
  const rows = known.map(({ streamId, event }) => ({
    streamId,
    seq: event.seq,
    digest: event.digest.toString("hex"),
    body: event.body,
  }));
  const found = new Set((await findConflicts(client, rows)).map(({ streamId, seq }) => `${streamId} ${seq}`));
  const detail = "another event was received before under this stream and seq";
  return known
    .filter(({ streamId, event }) => found.has(`${streamId} ${event.seq}`))
    .map(({ site, streamId, event }) => ({ siteId: site.id, streamId, event, reason: "conflict", detail }));
}

/** Keeps the site's own events, and the gaps they tell of; returns the sites where a gap says seqs will never come. */
async function keepMarkers(
  client: ClientBase,
  keyed: readonly KeyedEvent[],
  sorted: Sorted,
  receivedAt: number,
): Promise<Set<number>> {
  const kept = keyed.filter(({ fresh, marker }) => marker || tellsBlindness(fresh.event.ev));
  if (kept.length === 0) return new Set();
  await insertMarkers(
    client,
    kept.map(({ fresh: { site, streamId, event }, marker }) => {
      const { seq, origin, ev, body } = event;
      // A row of a file is known by when it was written, not by when it was read.
      const at = origin === "recovered" ? clockTime({ stream: streamId, ...event }) : event.at;
      return { siteId: site.id, streamId, seq, at, origin, event: ev.Event, folds: marker, body };
    }),
  );
  const blind = kept.map(({ fresh }) => fresh).filter(({ event }) => tellsBlindness(event.ev));
  if (blind.length === 0) return new Set();
  const filled = await keepGaps(client, blind, sorted);
  return new Set([...filled, ...(await followRepairs(client, blind, sorted, receivedAt))]);
}

async function keepGaps(client: ClientBase, blind: readonly FreshEvent[], sorted: Sorted): Promise<Set<number>> {
  const gaps = blind.flatMap((event) => readGap(event) ?? []);
  await insertGaps(client, gaps);
  const filled = await endReplaced(client, blind, sorted);
  await settleGaps(client, [...new Set(blind.map(({ site }) => site.id))]);
  const others = await findStreams(
    client,
    gaps.flatMap(({ streamUuid }) => streamUuid ?? []),
  );
  for (const { siteId, streamId, streamUuid, fromSeq, toSeq } of gaps) {
    const meant = streamUuid === undefined ? streamId : others.find(({ uuid }) => uuid === streamUuid)?.id;
    if (meant === undefined || fromSeq === null || toSeq === null) continue;
    if (fill(sorted, meant, siteId, [fromSeq, toSeq])) filled.add(siteId);
  }
  return filled;
}

/** Streams that were replaced: how far they go is noted, and what they never sent will not come. */
async function endReplaced(client: ClientBase, blind: readonly FreshEvent[], sorted: Sorted): Promise<Set<number>> {
  const filled = new Set<number>();
  for (const event of blind) {
    const ended = beginsNewOutbox(event)
      ? await endOlderOutboxes(client, outboxOf(event))
      : await endContinued(client, event, sorted);
    if (ended.length === 0) continue;
    await tellHoles(client, event.site.id, ended, event.event.at);
    for (const { streamId, above, to } of ended) {
      if (to > above && fill(sorted, streamId, event.site.id, [above + 1, to])) filled.add(event.site.id);
    }
  }
  return filled;
}

async function endContinued(client: ClientBase, event: FreshEvent, sorted: Sorted): Promise<EndedStream[]> {
  const told = readContinued(event);
  const known = await findStreams(
    client,
    told.map(({ uuid }) => uuid),
  );
  return known.flatMap(({ id, siteId, uuid }) => {
    const view = sorted.streams.get(id);
    const end = told.find((stream) => stream.uuid === uuid);
    if (view === undefined || end === undefined || siteId !== event.site.id || id === event.streamId) return [];
    view.told = true;
    view.highestSeq = Math.max(view.highestSeq, end.to);
    return [{ streamId: id, above: end.to, to: Math.max(view.highestSeq, highest(settledIn(view))) }];
  });
}

/** Notes seqs of a stream as never to come. False when the stream is not the site's. */
function fill({ streams }: Sorted, streamId: number, siteId: number, range: SeqRange): boolean {
  const view = streams.get(streamId);
  if (view === undefined || view.siteId !== siteId) return false;
  view.filled = unite(view.filled, [range]);
  view.fillsAdded = unite(view.fillsAdded, [range]);
  return true;
}

function outboxOf({ site, streamId, event: { seq, at } }: FreshEvent): NewOutbox {
  return { siteId: site.id, streamId, markerSeq: seq, at };
}

/** Only events of this transaction: those left out of an older telling were set aside then. */
function undigestibleOf(retold: readonly Retold[], fresh: readonly FreshEvent[]): Rejection[] {
  const reasons = new Map<string, string>();
  for (const { undigestible } of retold) {
    for (const [{ stream, seq }, reason] of undigestible) reasons.set(`${stream} ${seq}`, reason);
  }
  if (reasons.size === 0) return [];
  return fresh.flatMap(({ site, streamId, event }): Rejection[] => {
    const detail = reasons.get(`${streamId} ${event.seq}`);
    return detail === undefined ? [] : [{ siteId: site.id, streamId, event, reason: "undigestible", detail }];
  });
}

function toRejectedRow({
  siteId,
  streamId,
  event,
  reason,
  detail,
}: Rejection): Parameters<typeof insertRejected>[1][0] {
  const { seq, at, origin, digest, body } = event;
  return { siteId, streamId, seq, at, origin, reason, detail, digest: digest.toString("hex"), body };
}

async function noteReceived(client: ClientBase, batches: readonly Batch[], { streams }: Sorted): Promise<void> {
  const reports = new Map(batches.map(({ streamId, report }) => [streamId, report]));
  const rows: ReceivedRow[] = [];
  for (const [streamId, view] of streams) {
    const report = reports.get(streamId);
    if (report === undefined && view.fillsAdded.length === 0 && !view.told) continue;
    rows.push({
      streamId,
      add: formatMultirange(view.added),
      fill: formatMultirange(view.fillsAdded),
      ...(report ?? { highestSeq: view.told ? view.highestSeq : 0, oldestUnacked: null, waiting: null }),
    });
  }
  if ((await addReceived(client, rows)) < rows.length)
    throw new Overtaken("another writer received some of the events");
}

/** Sites where seqs that a gap had given up came after all. */
function repairableSites({ streams }: Sorted): number[] {
  const changed = [...streams.values()].filter(({ added, fillsAdded }) => added.length + fillsAdded.length > 0);
  return [...new Set(changed.filter(meetsFilled).map(({ siteId }) => siteId))];
}

function meetsFilled({ filled, received, added, fillsAdded }: StreamView): boolean {
  return overlap(added, filled) || overlap(fillsAdded, received);
}

/** Sites of streams where something was added below what had been received already. */
function filledHoles({ streams }: Sorted): number[] {
  return [...streams.values()]
    .filter(
      ({ kind, received, added }) =>
        kind === "outbox" && (added[0]?.[0] ?? Number.POSITIVE_INFINITY) < highest(received),
    )
    .map(({ siteId }) => siteId);
}
