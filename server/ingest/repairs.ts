import type { ClientBase } from "pg";
import { type AmiEvent, header, MARKERS } from "../../shared/ami-event.ts";
import type { AssembledCall } from "../assemble/index.ts";
import { findStreams } from "../store/gaps.ts";
import {
  endRepairing,
  isOver,
  noteRepairing,
  readAgain,
  listReadTimes,
  type Repairing,
  settleRepairs,
  type ReadTime,
  type Time,
} from "../store/repairing.ts";
import { type FreshEvent, refillingSites, type Sorted } from "./fresh.ts";
import { INGEST_LIMITS } from "./limits.ts";
import { covers, holds, unite } from "./ranges.ts";

const SPAN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (\d{1,15}) (\d{1,15})$/;

/** The PBX's clock and its agent's agree that far, ms. */
const CLOCKS_AGREE_MS = 2_000;

/**
 * Notes which of these markers say that Asterisk's own files are being read, and which that this is over; one may tell of rows
 * that are gone with a database since. Returns the sites whose calls need wait no longer.
 */
export async function followRepairs(
  client: ClientBase,
  blind: readonly FreshEvent[],
  { streams }: Sorted,
  receivedAt: number,
): Promise<Set<number>> {
  const over = new Set<number>();
  for (const { site, streamId, event } of blind.filter(beginsRepair)) {
    const to = Number(header(event.ev, "RepairTo") ?? event.at);
    if (!Number.isSafeInteger(to)) continue;
    const begun = { siteId: site.id, streamId, seq: event.seq, to };
    const noted = await noteRepairing(client, begun, receivedAt + INGEST_LIMITS.repairWaitMsMax);
    if (noted !== undefined) streams.get(streamId)?.repairing.push(noted);
  }
  for (const { site, streamId, event } of blind.filter(({ event: { ev } }) => ev.Event === MARKERS.recovered)) {
    const told = timeOf(event.ev);
    if (told === undefined) continue;
    const spans = spansOf(event.ev);
    if (await lacksRows(client, site.id, spans, streams)) {
      const lost = { seq: event.seq, ...told, until: receivedAt + INGEST_LIMITS.repairWaitMsMax, lost: true };
      await readAgain(client, site.id, streamId, lost);
      streams.get(streamId)?.repairing.push(lost);
      continue;
    }
    const isOld = holds(streams.get(streamId)?.ackedBefore ?? [], event.seq);
    const word = { ...told, provesRows: !isOld || spans.length > 0 };
    await endRepairing(client, site.id, word);
    for (const view of streams.values()) {
      if (view.siteId === site.id) view.repairing = view.repairing.filter((each) => !isOver(each, word));
    }
    over.add(site.id);
  }
  await settleRepairs(client, [...new Set(blind.map(({ site }) => site.id))]);
  return over;
}

function timeOf(ev: AmiEvent): Time | undefined {
  const [from, to] = [Number(header(ev, "From") ?? Number.NaN), Number(header(ev, "To") ?? Number.NaN)];
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to ? { from, to } : undefined;
}

function beginsRepair({ event: { ev } }: FreshEvent): boolean {
  return ev.Event === MARKERS.captureStarted && header(ev, "Repair") === "pending";
}

/** Seqs of a stream. */
interface FileSpan {
  uuid: string;
  from: number;
  to: number;
}

/** The parts of files that were acked for it. */
function spansOf(ev: AmiEvent): FileSpan[] {
  return [ev["Spans"] ?? []].flat().flatMap((text) => {
    const [, uuid = "", from, to] = SPAN.exec(text) ?? [];
    return from === undefined ? [] : [{ uuid, from: Number(from), to: Number(to) }];
  });
}

/** Whether rows are gone that were acked: the database was put back to an older copy since. */
async function lacksRows(
  client: ClientBase,
  siteId: number,
  spans: readonly FileSpan[],
  streams: Sorted["streams"],
): Promise<boolean> {
  const known = await findStreams(client, [...new Set(spans.map(({ uuid }) => uuid))]);
  const views = new Map(
    known.flatMap(({ id, uuid, siteId: of }) => (of === siteId ? [[uuid, streams.get(id)] as const] : [])),
  );
  return spans.some(({ uuid, from, to }) => {
    const view = views.get(uuid);
    return view === undefined || !covers(unite(view.received, view.added), from, to);
  });
}

/**
 * Whether a call ran while the agent was blind and what it missed is still being read. While an agent sends again what a
 * database lacks that was put back, its words about that may be among it: then no call with rows is whole, and no waiting over.
 */
export function repairsUnderWay(
  sorted: Sorted,
  now: number,
): (siteId: number, call: Lasting, hasRows: boolean) => boolean {
  const repairs = repairsOf(sorted);
  const refilling = refillingSites(sorted, now);
  return (siteId, call, hasRows) => {
    const isRefilling = refilling.has(siteId);
    const isWaitedFor = ({ until }: Repairing): boolean => isRefilling || now < until;
    const own = repairs.get(siteId) ?? [];
    return (isRefilling && hasRows) || own.some((repair) => isWaitedFor(repair) && ranWithin(call, repair));
  };
}

type Lasting = Pick<AssembledCall, "startTime" | "endTime" | "extra">;

/** Whether some of the call was in that time, or may have been, as far as the two clocks agree. */
function ranWithin({ startTime, endTime, extra }: Lasting, { from, to }: Time, slackMs = CLOCKS_AGREE_MS): boolean {
  const before = extra["ended_before"];
  const end = Math.max(endTime ?? Infinity, typeof before === "number" ? before : 0);
  return startTime <= to + slackMs && end >= from - slackMs;
}

/** Of what was read for a time, rows of so much before and after it come as well, ms. */
const ROWS_BEFORE_MS = 10_000;
const ROWS_AFTER_MS = 3_000;

/**
 * Whether what a call lacked had been read, and told to be, before the database was put back: some of it, and all of what was
 * missed while it ran.
 */
export function wasRead(call: Lasting, times: readonly ReadTime[]): boolean {
  const before = times.filter((time) => time.before);
  const gave = ({ from, to }: Time): boolean =>
    ranWithin(call, { from: from - ROWS_BEFORE_MS, to: to + ROWS_AFTER_MS });
  const isNews = (time: ReadTime): boolean =>
    time.ofBlindness && ranWithin(call, time, 0) && !before.some(({ from, to }) => from <= time.to && time.to <= to);
  return before.some(gave) && !times.some(isNews);
}

/** By site: times that were read from Asterisk's own files. Asked for only where a call depends on it. */
export async function readTimes(
  client: ClientBase,
  calls: readonly { siteId: number; call: AssembledCall }[],
  { streams }: Sorted,
): Promise<Map<number, ReadTime[]>> {
  const putBack = new Set([...streams.values()].flatMap((view) => (view.ackedBefore.length > 0 ? view.siteId : [])));
  const sites = new Set(
    calls.flatMap(({ siteId, call }) => (putBack.has(siteId) && dependsOnRows(call) ? siteId : [])),
  );
  if (sites.size === 0) return new Map();
  return Map.groupBy(await listReadTimes(client, [...sites]), ({ siteId }) => siteId);
}

/** Whether rows of Asterisk's own files told what nobody heard of it. */
export function dependsOnRows({ proof, extra }: Pick<AssembledCall, "proof" | "extra">): boolean {
  return proof.length === 0 || extra["completeness"] === "recovered";
}

/** By site: its blindness of which files are being read. */
function repairsOf({ streams }: Sorted): Map<number, Repairing[]> {
  const sites = new Map<number, Repairing[]>();
  for (const { siteId, repairing } of streams.values()) {
    if (repairing.length > 0) sites.set(siteId, [...(sites.get(siteId) ?? []), ...repairing]);
  }
  return sites;
}
