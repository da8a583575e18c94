import type { ClientBase } from "pg";
import type { AssembledCall, CallEvent } from "../assemble/index.ts";
import { insertLinks, type Link } from "../store/findLinkedCalls.ts";
import { mergeCalls } from "../store/mergeCalls.ts";
import { type CallRow, insertCalls, updateCalls } from "../store/writeCalls.ts";
import { rewriteRawData, writeRawData } from "../store/writeRawData.ts";
import type { CallMemory } from "./memory.ts";
import type { Ranges } from "./ranges.ts";
import type { Retold } from "./retell.ts";
import { callRow, type Standing, standingOf } from "./rows.ts";
import { Overtaken } from "./touched.ts";
import type { Position } from "./types.ts";
import { writeParticipants, writeSteps } from "./write-parts.ts";

/** A call that exists, on its way into the tables. */
export interface Writing {
  retold: Retold;
  call: AssembledCall;
  standing: Standing;
  row: CallRow;
  signature: string;
  /** Known once the row is written. */
  id: number;
  uniqueId: string;
  revision: number;
}

export interface WriteContext {
  receivedAt: number;
  /** Seqs of a stream that are received or will never come. */
  settled: (stream: number) => Ranges;
}

/** Writes calls with all that hangs on them; returns what to remember once committed. */
export async function writeCalls(
  client: ClientBase,
  retold: readonly Retold[],
  context: WriteContext,
): Promise<{ memories: CallMemory[]; waitingSites: Set<number> }> {
  const writings = retold.flatMap((told) => prepare(told, context));
  await mergeCalls(client, writings.flatMap(mergesOf));
  await insertNew(
    client,
    writings.filter((writing) => writing.retold.row === undefined),
  );
  await updateKnown(client, writings.filter(isChanged));
  await link(client, retold, writings);
  await writeParticipants(client, writings);
  await writeSteps(client, writings, context.receivedAt);
  await keepRawData(client, writings.filter(isWritten));
  const waitingSites = new Set(writings.filter((w) => w.standing.incomplete).map((w) => w.row.siteId));
  return { memories: writings.map(toMemory), waitingSites };
}

function prepare(retold: Retold, { receivedAt, settled }: WriteContext): Writing[] {
  const { call, row: known, touched } = retold;
  if (call === undefined) return [];
  const standing = standingOf(call, settled, known?.state);
  const since = Math.min(receivedAt, ...touched.rows.map((row) => row.receivedAt));
  const row = callRow(call, touched.site, standing, retold.first, since);
  if (known === undefined) row.linkedid = ownLinkedid(call.linkedid, retold);
  // The proof of a running call grows with every event of the site; alone it is no reason to write.
  const signature = JSON.stringify({
    ...row,
    proof: standing.state === "running" && !standing.incomplete ? [] : row.proof,
  });
  const { id = 0, uniqueId = "", revision = 0 } = known ?? {};
  return [{ retold, call, standing, row, signature, id, uniqueId, revision }];
}

/** A call bears one of its own ids, whatever assembly makes of foreign ones: else two calls could claim the same. */
function ownLinkedid(told: string, { touched }: Retold): string {
  const own = [...touched.newKeys, ...touched.waitingKeys];
  return own.includes(told) ? told : own.toSorted()[0]!;
}

/** A call that no event came for is written only when it is told differently. */
function isChanged({ retold, signature }: Writing): boolean {
  return retold.row !== undefined && (retold.touched.fresh.length > 0 || retold.signature !== signature);
}

function isWritten(writing: Writing): boolean {
  return writing.retold.row === undefined || isChanged(writing);
}

function mergesOf({ retold }: Writing): { gone: number; survivor: number }[] {
  const { row, touched } = retold;
  return touched.rows.flatMap((other) =>
    row === undefined || other === row ? [] : [{ gone: other.id, survivor: row.id }],
  );
}

async function insertNew(client: ClientBase, writings: readonly Writing[]): Promise<void> {
  const inserted = await insertCalls(
    client,
    writings.map(({ row }) => row),
  );
  if (inserted.length < writings.length) throw new Overtaken("a call was begun by another writer");
  const byName = new Map(inserted.map((row) => [`${row.siteId} ${row.linkedid}`, row]));
  for (const writing of writings) {
    const made = byName.get(`${writing.row.siteId} ${writing.row.linkedid}`)!;
    writing.id = made.id;
    writing.uniqueId = made.uniqueId;
  }
}

async function updateKnown(client: ClientBase, writings: readonly Writing[]): Promise<void> {
  const updated = await updateCalls(
    client,
    writings.map(({ row, id }) => ({ ...row, id })),
  );
  const byId = new Map(updated.map((row) => [row.id, row]));
  for (const writing of writings) {
    const made = byId.get(writing.id)!;
    writing.uniqueId = made.uniqueId;
    writing.revision = made.revision;
  }
}

/** Links new ids; those of a group that is no call yet wait. */
async function link(client: ClientBase, retold: readonly Retold[], writings: readonly Writing[]): Promise<void> {
  const ids = new Map(writings.map((writing) => [writing.retold, writing.id]));
  const links = retold.flatMap((told): Link[] => {
    const { site, newKeys, waitingKeys } = told.touched;
    const callId = ids.get(told) ?? null;
    const keys = callId === null ? newKeys : [...newKeys, ...waitingKeys];
    return keys.map((linkedid) => ({ siteId: site.id, linkedid, callId }));
  });
  if ((await insertLinks(client, links)) < links.length) throw new Overtaken("an id was linked by another writer");
}

/** Keeps its events with every call that is final. */
async function keepRawData(client: ClientBase, writings: readonly Writing[]): Promise<void> {
  const finals = writings.filter(({ standing }) => standing.state === "final");
  const [again, first] = [finals.filter(wasFinal), finals.filter((writing) => !wasFinal(writing))];
  for (const writing of again) await rewriteRawData(client, writing.id, keptItems(writing));
  const since = Math.min(...first.map(({ row }) => row.receivedAt));
  const calls = first.map((w) => ({ callId: w.id, siteId: w.row.siteId, markers: markersWithin(w) }));
  await writeRawData(client, calls, since);
}

/** Then the log may have lost its oldest events; all of them were read from what the call kept. */
function wasFinal({ retold }: Writing): boolean {
  return retold.row?.state === "final" && retold.items !== undefined;
}

function keptItems({ retold, call }: Writing): object[] {
  return (retold.items ?? [])
    .filter(({ event, own }) => own || isWithin(call, event))
    .map(({ event: { stream, seq, at, origin, ev }, own }) =>
      own ? { stream, seq, at, origin, ev } : { stream, seq, at, origin, ev, site: true },
    );
}

/** The site's markers that came while the call could still change. */
function markersWithin({ retold, call }: Writing): Position[] {
  const within = retold.touched.markers.filter((marker) => isWithin(call, marker));
  return within.map(({ stream, seq }) => ({ stream, seq }));
}

function isWithin(call: AssembledCall, { stream, seq }: CallEvent): boolean {
  return call.proof.some((range) => range.stream === stream && range.fromSeq <= seq && seq <= range.toSeq);
}

function toMemory({ retold, call, standing, signature, id, revision }: Writing): CallMemory {
  const { fold, first, last, markersSeen, participants, steps } = retold;
  const state = standing.state;
  const weight = call.eventCount;
  return { callId: id, revision, state, fold, first, last, markersSeen, weight, signature, participants, steps };
}
