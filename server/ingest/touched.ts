import type { ClientBase } from "pg";
import { type CallEvent, clockTime, compareEvents } from "../assemble/index.ts";
import { lockLinkedCalls, type LockedCall } from "../store/lockCalls.ts";
import { type MarkersWanted, readFoldingMarkers } from "../store/siteMarkers.ts";
import type { KeyedEvent } from "./keyed.ts";
import { LinkBook } from "./link.ts";
import { comparePositions, firstAmong, NOWHERE, type Position, type SiteContext } from "./types.ts";

/** A call that a transaction changes or looks at again; its rows are locked. No rows: it is new. Several: they merge. */
export interface Touched {
  site: SiteContext;
  rows: LockedCall[];
  /** Ids to be linked to it. */
  newKeys: string[];
  /** Ids that stored events named before there was a call. */
  waitingKeys: string[];
  /** Its events that this transaction stores, in order; `body` is ev as JSON text. */
  fresh: (CallEvent & { body?: string })[];
  /** The site's markers after its first event, in order. */
  markers: CallEvent[];
}

/** Another writer changed what this transaction was built on: roll back and repeat. */
export class Overtaken extends Error {}

export interface Scope {
  /** Calls to look at again although no event came for them. */
  reviewed: readonly { site: SiteContext; callId: number }[];
  /** Sites with a marker that may close any of their calls. */
  marked: readonly SiteContext[];
}

/** Finds and locks the calls that the events belong to; their markers are for addMarkers. */
export async function gatherCalls(
  client: ClientBase,
  events: readonly KeyedEvent[],
  { reviewed, marked }: Scope,
): Promise<Touched[]> {
  const book = new LinkBook();
  for (const { fresh, keys } of events) book.tie(fresh.site, keys);
  const { links, calls } = await lockLinkedCalls(client, book.keys(), {
    callIds: reviewed.map(({ callId }) => callId),
    runningOf: marked.map((site) => site.id),
  });
  book.know(links);
  const byId = new Map(calls.map((row) => [row.id, row]));
  if (links.some(({ callId }) => callId !== null && !byId.has(callId)))
    throw new Overtaken("a call was merged away meanwhile");
  return [...fromEvents(events, book, byId), ...fromRows(byId, [...reviewed.map(({ site }) => site), ...marked])];
}

/** One for each group of ids; takes the rows it uses out of `rows`. */
function fromEvents(events: readonly KeyedEvent[], book: LinkBook, rows: Map<number, LockedCall>): Touched[] {
  const byGroup = new Map<object, Touched>();
  for (const { fresh, keys } of events) {
    const group = keys[0] === undefined ? undefined : book.groupOf(fresh.site.id, keys[0]);
    if (group === undefined) continue;
    let touched = byGroup.get(group);
    if (touched === undefined) {
      const own = [...group.callIds].map((id) => rows.get(id)!);
      for (const { id } of own) rows.delete(id);
      const newKeys = group.keys.filter((key) => !group.linked.has(key));
      touched = { site: group.site, rows: own, newKeys, waitingKeys: [...group.waiting], fresh: [], markers: [] };
      byGroup.set(group, touched);
    }
    touched.fresh.push(toCallEvent(fresh));
  }
  for (const { fresh } of byGroup.values()) fresh.sort(compareEvents);
  return [...byGroup.values()];
}

/** Calls that no event came for: those to be reviewed, and those a marker may close. */
function fromRows(rows: ReadonlyMap<number, LockedCall>, sites: readonly SiteContext[]): Touched[] {
  const bySite = new Map(sites.map((site) => [site.id, site]));
  return [...rows.values()].flatMap((row) => {
    const site = bySite.get(row.siteId);
    return site === undefined ? [] : [{ site, rows: [row], newKeys: [], waitingKeys: [], fresh: [], markers: [] }];
  });
}

function toCallEvent({ streamId, event }: KeyedEvent["fresh"]): Touched["fresh"][number] {
  return { stream: streamId, seq: event.seq, at: event.at, origin: event.origin, ev: event.ev, body: event.body };
}

/** The first event of a call as far as rows and fresh events tell; NOWHERE: only Asterisk's own files tell of it. */
export function firstOf({ rows, fresh }: Touched): Position {
  const known = rows.map((row) => ({ stream: row.firstStream, seq: row.firstSeq })).filter(({ stream }) => stream > 0);
  const first = firstAmong(fresh);
  if (first !== undefined && first.stream > 0) known.push(first);
  return known.toSorted(comparePositions)[0] ?? NOWHERE;
}

/** When a call began, as far as is known, epoch ms: markers before that cannot concern it. */
function beginOf({ rows, fresh }: Touched): number {
  return Math.min(...rows.map(({ startTime }) => startTime), ...fresh.map((event) => clockTime(event)));
}

/** Gives every call the site's markers after its first event; one that no outbox heard of, those since it began. */
export async function addMarkers(client: ClientBase, touched: readonly Touched[]): Promise<void> {
  const wanted = new Map<string, MarkersWanted>();
  const nameOf = (call: Touched): string => `${call.site.id} ${firstOf(call) === NOWHERE}`;
  for (const call of touched) {
    const first = firstOf(call);
    const rowsSince = beginOf(call);
    const since = first === NOWHERE ? rowsSince : 0;
    const known = wanted.get(nameOf(call)) ?? { siteId: call.site.id, first, since, rowsSince };
    wanted.set(nameOf(call), {
      siteId: call.site.id,
      first: comparePositions(first, known.first) < 0 ? first : known.first,
      since: Math.min(since, known.since),
      rowsSince: Math.min(rowsSince, known.rowsSince),
    });
  }
  if (wanted.size === 0) return;
  const names = [...wanted.keys()];
  const markers = await readFoldingMarkers(client, [...wanted.values()]);
  if (markers.length === 0) return;
  const byName = Map.groupBy(markers, ({ place }) => names[place - 1]);
  for (const call of touched) {
    const first = firstOf(call);
    const begin = beginOf(call);
    const after = ({ at, origin, ...marker }: CallEvent): boolean =>
      (at >= begin || (first !== NOWHERE && origin !== "recovered")) && comparePositions(marker, first) > 0;
    call.markers = (byName.get(nameOf(call)) ?? []).filter(after);
  }
}
