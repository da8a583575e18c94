import type { ClientBase } from "pg";
import { type AssembledCall, type CallEvent, type CallFold, compareEvents } from "../assemble/index.ts";
import {
  readKeptEvents,
  readLoggedEvents,
  readParticipants,
  readSteps,
  readWaitingEvents,
  type StoredEvent,
} from "../store/readCallHistory.ts";
import type { LockedCall } from "../store/lockCalls.ts";
import type { Assembler } from "./assembler.ts";
import type { Kept } from "./kept.ts";
import { INGEST_LIMITS } from "./limits.ts";
import type { CallMemories, CallMemory, KnownParticipant, KnownStep } from "./memory.ts";
import { foldItems, isByTime, type Item, readFold, tellCall } from "./tell.ts";
import type { Touched } from "./touched.ts";
import { comparePositions, firstAmong, type Position } from "./types.ts";

/** A touched call as all its events tell it, and what is written of it so far. */
export interface Retold {
  touched: Touched;
  /** The row that stays; undefined for a new call. */
  row: LockedCall | undefined;
  fold: CallFold;
  /** Undefined: its events show no channel, so there is no call (yet). */
  call: AssembledCall | undefined;
  first: Position;
  last: Position;
  markersSeen: number;
  undigestible: ReadonlyMap<CallEvent, string>;
  participants: Map<number, KnownParticipant>;
  steps: Map<string, KnownStep>;
  /** Signature of the row of calls as written; undefined when it must be written. */
  signature: string | undefined;
  /** Events told before, as they will be kept. */
  remembered: readonly Kept[];
  /** Events told now, in order. */
  items: Item[];
}

/** Tells every touched call: appended events onto what is remembered, all others from the log anew. */
export async function retellCalls(
  client: ClientBase,
  touched: readonly Touched[],
  assembler: Assembler,
  memories: CallMemories,
): Promise<Retold[]> {
  const retold: Retold[] = [];
  const unknown: Touched[] = [];
  for (const call of touched) {
    const told = append(call, assembler, memories);
    if (told === undefined) unknown.push(call);
    else retold.push(told);
  }
  if (unknown.length === 0) return retold;
  const history = await readHistory(client, unknown);
  return [...retold, ...unknown.map((call) => tellAnew(call, history, assembler))];
}

/** Undefined when the call is not remembered, or its news do not all come after what is. */
function append(touched: Touched, assembler: Assembler, memories: CallMemories): Retold | undefined {
  const [row, ...others] = touched.rows;
  if (row === undefined) return touched.waitingKeys.length > 0 ? undefined : tryFold(touched, undefined, assembler);
  const memory = memories.take(row.id, row.revision);
  if (memory === undefined || others.length > 0 || touched.waitingKeys.length > 0) return undefined;
  const seen = touched.markers.filter((marker) => comparePositions(marker, memory.last) <= 0).length;
  const [next] = touched.fresh;
  const isAppended = seen === memory.markersSeen && (next === undefined || comparePositions(next, memory.last) > 0);
  return isAppended ? tryFold(touched, memory, assembler) : undefined;
}

function tryFold(touched: Touched, memory: CallMemory | undefined, assembler: Assembler): Retold | undefined {
  const after = memory?.last ?? { stream: 0, seq: 0 };
  const items = itemsOf(
    touched.fresh,
    touched.markers.filter((marker) => comparePositions(marker, after) > 0),
  );
  if (memory !== undefined && isByTime(memory.fold, items)) return undefined;
  const fold = memory?.fold ?? assembler.newFold();
  try {
    foldItems(fold, items, assembler);
    const call = readFold(fold, touched.site.directory, assembler);
    const { first, last, markersSeen } = placeOf(items, memory, assembler);
    const { participants, steps } = memory ?? { participants: new Map(), steps: new Map() };
    const signature = memory?.signature;
    return {
      touched,
      row: touched.rows[0],
      fold,
      call,
      first,
      last,
      markersSeen,
      undigestible: new Map(),
      participants,
      steps,
      signature,
      remembered: memory?.kept ?? [],
      items,
    };
  } catch {
    return undefined;
  }
}

/** What the tables hold of calls: their events, and the rows that were made of them, by call. */
export interface History {
  events: Map<number, StoredEvent[]>;
  waiting: (StoredEvent & { siteId: number; linkedid: string })[];
  participants: Map<number, { id: number; ringOrder: number }[]>;
  steps: Map<number, { id: number; leg: string; type: string; nth: number; receivedTimestamp: string }[]>;
}

export async function readHistory(client: ClientBase, touched: readonly Touched[]): Promise<History> {
  const rows = touched.flatMap((call) => call.rows);
  const ids = rows.map((row) => row.id);
  const waiting = touched.filter((call) => call.waitingKeys.length > 0);
  const history: History = { events: new Map(), waiting: [], participants: new Map(), steps: new Map() };
  if (waiting.length > 0) {
    const siteIds = waiting.flatMap((call) => call.waitingKeys.map(() => call.site.id));
    history.waiting = await readWaitingEvents(
      client,
      siteIds,
      waiting.flatMap((call) => call.waitingKeys),
    );
  }
  if (ids.length === 0) return history;
  const logged = await readLoggedEvents(client, ids, Math.min(...rows.map((row) => row.receivedAt)));
  const keeping = rows.filter((row) => row.state === "final" || row.isKept).map((row) => row.id);
  const kept = keeping.length === 0 ? [] : await readKeptEvents(client, keeping);
  history.events = Map.groupBy([...logged, ...kept], ({ callId }) => callId);
  history.participants = Map.groupBy(await readParticipants(client, ids), ({ callId }) => callId);
  history.steps = Map.groupBy(await readSteps(client, ids), ({ callId }) => callId);
  return history;
}

function tellAnew(touched: Touched, history: History, assembler: Assembler): Retold {
  const { site, rows, fresh, markers, waitingKeys } = touched;
  const waiting = history.waiting.filter((e) => e.siteId === site.id && waitingKeys.includes(e.linkedid));
  const stored = rows.flatMap((row) => history.events.get(row.id) ?? []);
  const [kept, own] = [stored.filter((event) => event.site), stored.filter((event) => !event.site)];
  return tellItems(touched, itemsOf([...fresh, ...own, ...waiting], [...markers, ...kept]), history, assembler);
}

/** Tells a call from all its events; `history` says what is written of its rows. */
export function tellItems(touched: Touched, items: Item[], history: History, assembler: Assembler): Retold {
  const { site, rows } = touched;
  const told = tellCall(items, site.directory, assembler, INGEST_LIMITS.rejectedPerCallMax);
  const row = survivorOf(rows, told.call?.linkedid);
  const participants = row === undefined ? [] : (history.participants.get(row.id) ?? []);
  const steps = rows.flatMap((each) => history.steps.get(each.id) ?? []);
  return {
    touched,
    row,
    ...told,
    ...placeOf(items, undefined, assembler),
    participants: new Map(participants.map((known) => [known.ringOrder, unsigned(known)])),
    steps: new Map(steps.map((step) => [stepName(step), unsigned(step)])),
    signature: undefined,
    remembered: [],
    items,
  };
}

/** Of merging calls the one that bears the linkedid stays, else the one that began first. */
function survivorOf(rows: readonly LockedCall[], linkedid: string | undefined): LockedCall | undefined {
  const begin = ({ firstStream, firstSeq }: LockedCall) => ({ stream: firstStream, seq: firstSeq });
  const byBegin = rows.toSorted((a, b) => comparePositions(begin(a), begin(b)));
  return rows.find((row) => row.linkedid === linkedid) ?? byBegin[0];
}

function unsigned<T extends object>(row: T): T & { signature: undefined } {
  return { ...row, signature: undefined };
}

export function stepName({ leg, type, nth }: { leg: string; type: string; nth: number }): string {
  return `${type} ${nth} ${leg}`;
}

/** Own events and markers in order, each once; an own event that is also a marker is an own event. */
export function itemsOf(own: readonly Item["event"][], markers: readonly CallEvent[]): Item[] {
  const items: Item[] = own.map((event) => ({ event, own: true }));
  for (const event of markers) items.push({ event, own: false });
  items.sort((a, b) => compareEvents(a.event, b.event) || Number(b.own) - Number(a.own));
  return items.filter(({ event }, at) => {
    const before = items[at - 1]?.event;
    return before === undefined || compareEvents(before, event) !== 0;
  });
}

function placeOf(
  items: readonly Item[],
  memory: CallMemory | undefined,
  { isSiteMarker }: Assembler,
): { first: Position; last: Position; markersSeen: number } {
  const begin = memory?.first ?? firstAmong(items.filter(({ own }) => own).map(({ event }) => event));
  if (begin === undefined) throw new Error("a call without events");
  const last = items.at(-1)?.event ?? memory?.last ?? begin;
  const seen = items.filter(({ event }) => comparePositions(event, begin) > 0 && isSiteMarker(event.ev)).length;
  return {
    first: begin,
    last: { stream: last.stream, seq: last.seq },
    markersSeen: (memory?.markersSeen ?? 0) + seen,
  };
}
