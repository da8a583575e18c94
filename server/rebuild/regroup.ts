import type { ClientBase } from "pg";
import { type AssembledCall, type CallEvent, compareEvents } from "../assemble/index.ts";
import type { Assembler } from "../ingest/assembler.ts";
import { INGEST_LIMITS } from "../ingest/limits.ts";
import type { LinkGroup } from "../ingest/link.ts";
import { itemsOf } from "../ingest/retell.ts";
import { callRow } from "../ingest/rows.ts";
import { type Item, tellCall } from "../ingest/tell.ts";
import { Overtaken } from "../ingest/touched.ts";
import { comparePositions, firstAmong, NOWHERE } from "../ingest/types.ts";
import { findLinkedCalls } from "../store/findLinkedCalls.ts";
import { lockCalls } from "../store/lockCalls.ts";
import { lockSites } from "../store/lockSites.ts";
import { mergeCalls } from "../store/mergeCalls.ts";
import { moveSteps, refileEvents, relink } from "../store/regroupCalls.ts";
import { insertCalls } from "../store/writeCalls.ts";
import { type BatchContext, type BatchOutcome, noChange, NOT_ENDED, rewrite, skip } from "./batch.ts";
import { groupOf, tieAll } from "./entangled.ts";
import { REBUILD_LIMITS } from "./limits.ts";
import { readContexts } from "./sites.ts";
import { hasItsEvents, readStored, type StoredCall } from "./tell.ts";
import type { CallChange, SkippedCall } from "./types.ts";

/** Events that make one call as their ids are tied now. */
interface Group {
  keys: string[];
  events: CallEvent[];
  /** The stored calls its events were found with, the first of them first. */
  parts: Set<StoredCall>;
  /** Those of them that it is to be stored as: one of them stays, the others merge into it. */
  homes: StoredCall[];
}

/** A call as it is stored after the calls were told apart or together. */
interface Made {
  id: number;
  own: CallEvent[];
  /** The site's events that may concern it. */
  site: CallEvent[];
  merged: StoredCall[];
  splitFrom: StoredCall | undefined;
}

/**
 * Tells apart, or together, calls whose channels do not belong together as they are stored, and all they are entangled
 * with; with the site held alone, so that no writer sees half of it. Always writes: a dry run rolls back. `entangled` says
 * which calls were dealt with.
 */
export async function regroup(
  client: ClientBase,
  call: { id: number; siteId: number },
  context: BatchContext,
): Promise<BatchOutcome> {
  const { assembler } = context;
  await lockSites(client, new Map([[call.siteId, "alone"]]));
  const entangled = await readEntangled(client, call, assembler);
  const groups = groupsOf(entangled, assembler).map((group) => tell(group, assembler));
  const obstacle = obstacleOf(entangled, groups, assembler);
  if (obstacle !== undefined) {
    const own = entangled.filter(({ row }) => row.id === call.id);
    return { changes: [], skipped: own.map((one) => skip(one, ...obstacle)), entangled: [call] };
  }
  const made: Made[] = [];
  for (const group of groups) made.push(...(await store(client, group, entangled, context.now)));
  const outcome = await rewriteMade(client, call.siteId, made, context);
  return { ...outcome, entangled: entangled.map(({ row }) => ({ id: row.id, siteId: row.siteId })) };
}

/** Why the calls are better left as they are. */
function obstacleOf(
  entangled: readonly StoredCall[],
  groups: readonly ToldGroup[],
  assembler: Assembler,
): [reason: SkippedCall["reason"], detail: string] | undefined {
  const { entangledCallsMax } = REBUILD_LIMITS;
  if (entangled.length > entangledCallsMax) return ["too_entangled", `with more than ${entangledCallsMax} calls`];
  const broken = entangled.find((one) => !hasItsEvents(one, assembler));
  if (broken !== undefined)
    return ["events_gone", `it belongs together with ${broken.written.uniqueId}, of which not all events are stored`];
  const endless = groups.some(({ call, parts }) => call?.ended === false && [...parts].some(isFinal));
  return endless ? ["not_ended", NOT_ENDED] : undefined;
}

function isFinal({ row }: StoredCall): boolean {
  return row.state === "final";
}

/** The call and all that share a channel with it, directly or through others. */
async function readEntangled(
  client: ClientBase,
  { id, siteId }: { id: number; siteId: number },
  assembler: Assembler,
): Promise<StoredCall[]> {
  const sites = await readContexts(client, [siteId]);
  const ids = new Set([id]);
  for (;;) {
    const { calls } = await readStored(client, await lockCalls(client, [...ids]), sites);
    const { siteIds, linkedids } = tieAll(calls, assembler).keys();
    const links = siteIds.length === 0 ? [] : await findLinkedCalls(client, siteIds, linkedids);
    const others = links.flatMap(({ callId }) => (callId === null || ids.has(callId) ? [] : [callId]));
    if (others.length === 0 || ids.size > REBUILD_LIMITS.entangledCallsMax) return calls;
    for (const other of others) ids.add(other);
  }
}

/** By the ids as they are tied now. Every stored call is at home in the group of its Linkedid, else of its first event. */
function groupsOf(calls: readonly StoredCall[], assembler: Assembler): Group[] {
  const book = tieAll(calls, assembler);
  const groups = new Map<LinkGroup, Group>();
  for (const call of calls) {
    const { touched, own, written } = call;
    const found: Group[] = [];
    const nameless: CallEvent[] = [];
    for (const event of own.toSorted(compareEvents)) {
      const link = groupOf(book, touched.site, event, assembler);
      if (link === undefined) {
        nameless.push(event);
        continue;
      }
      let group = groups.get(link);
      if (group === undefined) groups.set(link, (group = { keys: link.keys, events: [], parts: new Set(), homes: [] }));
      group.events.push(event);
      group.parts.add(call);
      found.push(group);
    }
    const home = found.find((group) => group.keys.includes(written.row.linkedid)) ?? found[0];
    home?.homes.push(call);
    home?.events.push(...nameless); // no event is lost because it ties nothing together any more
  }
  return [...groups.values()];
}

interface ToldGroup extends Group {
  /** Undefined: its events show no channel. */
  call: AssembledCall | undefined;
  items: Item[];
  siteEvents: CallEvent[];
}

function tell(group: Group, assembler: Assembler): ToldGroup {
  const siteEvents = [...group.parts].flatMap((part) => part.site);
  const items = itemsOf(group.events, siteEvents);
  const { directory } = [...group.parts][0]!.touched.site;
  const { call } = tellCall(items, directory, assembler, INGEST_LIMITS.rejectedPerCallMax);
  return { ...group, call, items, siteEvents };
}

/** Gives a group its row, its ids, its events and its steps. None when its events show no channel. */
async function store(
  client: ClientBase,
  group: ToldGroup,
  entangled: readonly StoredCall[],
  now: number,
): Promise<Made[]> {
  const { call, items, siteEvents } = group;
  const origin = [...group.parts][0]!;
  const { site } = origin.touched;
  const since = Math.min(...entangled.map(({ row }) => row.receivedAt));
  const begun = group.homes.toSorted((a, b) => comparePositions(beginOf(a), beginOf(b)));
  const survivor = begun.find(({ row }) => row.linkedid === call?.linkedid) ?? begun[0];
  const merged = begun.filter((home) => home !== survivor);
  const gone = survivor === undefined ? [] : merged.map(({ row }) => ({ gone: row.id, survivor: survivor.row.id }));
  await mergeCalls(client, gone);
  const id =
    survivor?.row.id ??
    (call === undefined ? null : await insert(client, bearOwnId(call, group.keys), items, origin, now));
  await relink(client, site.id, id, group.keys);
  await refileEvents(client, site.id, group.keys, group.events, since);
  if (id === null) return [];
  const steps = call?.steps.map(({ key }) => key) ?? [];
  await moveSteps(client, [...entangled.map(({ row }) => row.id), id], id, steps);
  const splitFrom = survivor === undefined ? origin : undefined;
  return [{ id, own: group.events, site: siteEvents, merged, splitFrom }];
}

/** A call bears one of its own ids, whatever assembly makes of foreign ones: else two calls could claim the same. */
function bearOwnId(call: AssembledCall, keys: readonly string[]): AssembledCall {
  return keys.includes(call.linkedid) ? call : { ...call, linkedid: keys.toSorted()[0] ?? call.linkedid };
}

/** The row of a call that was part of another until now; told and written in full once its events and steps are its own. */
async function insert(
  client: ClientBase,
  call: AssembledCall,
  items: readonly Item[],
  { row, written, touched }: StoredCall,
  now: number,
): Promise<number> {
  const standing = { state: row.state, incomplete: written.row.incomplete };
  const place = firstAmong(items.filter((item) => item.own).map(({ event }) => event)) ?? NOWHERE;
  const made = await insertCalls(client, [
    { ...callRow(call, touched.site, standing, place, Math.min(written.row.receivedAt, now)), rawData: null },
  ]);
  if (made[0] === undefined) throw new Overtaken(`call ${call.linkedid} of site ${row.siteId} exists already`);
  return made[0].id;
}

function beginOf({ row }: StoredCall): { stream: number; seq: number } {
  return { stream: row.firstStream, seq: row.firstSeq };
}

/** Now every call is one group of events, so it is told and written as any other; the changes say what moved. */
async function rewriteMade(
  client: ClientBase,
  siteId: number,
  made: readonly Made[],
  context: BatchContext,
): Promise<Omit<BatchOutcome, "entangled">> {
  const sites = await readContexts(client, [siteId]);
  const byId = new Map(made.map((one) => [one.id, one]));
  const { calls: stored, history } = await readStored(client, await lockCalls(client, [...byId.keys()]), sites);
  const calls = stored.map((call): StoredCall => ({ ...call, ...eventsOf(byId.get(call.row.id)) }));
  const partsOf = (id: number) => (byId.get(id)?.merged ?? []).map(({ written }) => written);
  const outcome = await rewrite(client, calls, history, { ...context, dryRun: false }, { partsOf, always: true });
  const told = new Map(outcome.changes.map((change) => [change.id, change]));
  const changes = calls.flatMap((call): CallChange[] => {
    const { merged = [], splitFrom } = byId.get(call.row.id) ?? {};
    const change = told.get(call.row.id);
    if (change === undefined && merged.length === 0 && splitFrom === undefined) return [];
    const news = { merged: merged.map(({ written }) => written.uniqueId), splitFrom: splitFrom?.written.uniqueId };
    return [{ ...(change ?? noChange(call)), ...news }];
  });
  return { changes, skipped: outcome.skipped };
}

function eventsOf(made: Made | undefined): Pick<StoredCall, "own" | "site"> {
  return { own: made?.own ?? [], site: made?.site ?? [] };
}
