import type { ClientBase } from "pg";
import type { AssembledCall } from "../assemble/index.ts";
import { insertLinks, type Link } from "../store/findLinkedCalls.ts";
import { mergeCalls } from "../store/mergeCalls.ts";
import type { Merge } from "../store/merge.ts";
import { together } from "../store/transaction.ts";
import { insertCalls, updateCalls } from "../store/writeCalls.ts";
import type { Ingested } from "./counts.ts";
import { detach, keepItems, rawDataOf } from "./kept.ts";
import type { CallMemory } from "./memory.ts";
import type { Retold } from "./retell.ts";
import { callRow, standingOf } from "./rows.ts";
import { Overtaken } from "./touched.ts";
import { writeParticipants, writeSteps } from "./write-parts.ts";
import type { Writing, WriteContext } from "./writing.ts";

/** Writes the rows of calls; what hangs on them is for writeParts. */
export async function writeCalls(
  client: ClientBase,
  retold: readonly Retold[],
  context: WriteContext,
): Promise<Writing[]> {
  const writings = retold.flatMap((told) => prepare(told, context));
  await mergeCalls(
    client,
    writings.flatMap((writing) => mergesOf(writing, context)),
  );
  await together([
    insertNew(
      client,
      writings.filter((writing) => writing.retold.row === undefined),
    ),
    updateKnown(client, writings.filter(isChanged)),
  ]);
  return writings;
}

/** Writes what hangs on calls whose rows are written: links, participants, steps. */
export async function writeParts(
  client: ClientBase,
  retold: readonly Retold[],
  writings: readonly Writing[],
  context: WriteContext,
): Promise<void> {
  await together([
    link(client, retold, writings),
    writeParticipants(client, writings),
    writeSteps(client, writings, context),
  ]);
}

/** Sites with a call that is left waiting for earlier events. */
export function waitingSites(writings: readonly Writing[]): Set<number> {
  return new Set(
    writings.filter(({ standing, repaired }) => standing.incomplete && !repaired).map(({ row }) => row.siteId),
  );
}

/** What is new of these calls, to be counted. */
export function countCalls(writings: readonly Writing[]): Pick<Ingested, "callsBegun" | "callsFinal"> {
  const final = writings.filter(({ retold, standing }) => standing.state === "final" && retold.row?.state !== "final");
  const begun = writings.filter(({ retold }) => retold.row === undefined);
  return { callsBegun: begun.length, callsFinal: final.map(({ call }) => call) };
}

function prepare(retold: Retold, { receivedAt, settled, highestSeq, isBeingRepaired }: WriteContext): Writing[] {
  const { row: known, touched } = retold;
  if (retold.call === undefined) return [];
  const call = { ...retold.call, proof: wholeStreams(retold.call.proof, highestSeq) };
  const repaired = isBeingRepaired?.(touched.site.id, call, retold.fold.hasRows) ?? false;
  const standing = standingOf(call, settled, known?.state, repaired);
  const since = Math.min(receivedAt, ...touched.rows.map((row) => row.receivedAt));
  const row = callRow(call, touched.site, standing, retold.first, since);
  if (known === undefined) row.linkedid = ownLinkedid(call.linkedid, retold);
  // The proof of a running call grows with every event of the site; alone it is no reason to write.
  const signature = JSON.stringify({
    ...row,
    proof: standing.state === "running" && !standing.incomplete ? [] : row.proof,
  });
  const { id = 0, uniqueId = "", revision = 0 } = known ?? {};
  return [{ retold, call, standing, repaired, row, signature, id, uniqueId, revision }];
}

/** What went on in a later stream needs the earlier ones to their ends: there may be more of the call than was seen. */
function wholeStreams(
  proof: AssembledCall["proof"],
  highestSeq: (stream: number) => number = () => 0,
): AssembledCall["proof"] {
  return proof.map((range, index) =>
    index === proof.length - 1 ? range : { ...range, toSeq: Math.max(range.toSeq, highestSeq(range.stream)) },
  );
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

/** The events that merge calls are among the fresh ones; when those had been acked before, so had the merge. */
function mergesOf({ retold }: Writing, { wasAcked = () => false }: WriteContext): Merge[] {
  const { row, touched } = retold;
  if (row === undefined || touched.rows.length < 2) return [];
  const toldBefore = touched.fresh.some(({ stream, seq }) => wasAcked([{ stream, fromSeq: seq, toSeq: seq }]));
  return touched.rows.flatMap((other) => (other === row ? [] : [{ gone: other.id, survivor: row.id, toldBefore }]));
}

async function insertNew(client: ClientBase, writings: readonly Writing[]): Promise<void> {
  const inserted = await insertCalls(
    client,
    writings.map((writing) => ({ ...writing.row, rawData: rawOf(writing) })),
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
    writings.map((writing) => ({ ...writing.row, id: writing.id, rawData: rawOf(writing) })),
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

/** Its events as kept with a final call, and with one whose log may be cleared; null for any other. */
function rawOf({ retold, call, standing }: Writing): string | null {
  const kept = standing.state === "final" || retold.touched.rows.some(({ isKept }) => isKept);
  return kept ? rawDataOf(call, [...retold.remembered, ...keepItems(retold.items)]) : null;
}

/** What to remember once all is committed. */
export function toMemories(writings: readonly Writing[]): CallMemory[] {
  return writings.flatMap(toMemory);
}

/** Final calls are forgotten: hardly any event comes for them, and then everything kept is read again. */
function toMemory(writing: Writing): CallMemory[] {
  const { retold, standing, signature, id, revision } = writing;
  if (standing.state === "final") return [];
  const { fold, first, last, markersSeen, participants, steps } = retold;
  const kept = [...retold.remembered, ...detach(keepItems(retold.items))];
  const weight = kept.reduce((sum, { json }) => sum + json.length, 0);
  const { state } = standing;
  return [
    { callId: id, revision, state, fold, first, last, markersSeen, kept, weight, signature, participants, steps },
  ];
}
