import type { ClientBase } from "pg";
import type { Assembler } from "../ingest/assembler.ts";
import { parseMultirange, type Ranges, unite } from "../ingest/ranges.ts";
import type { History, Retold } from "../ingest/retell.ts";
import { callRow, participantRow, standingOf, stepRow, toldSteps } from "../ingest/rows.ts";
import { writeCalls, writeParts } from "../ingest/write-calls.ts";
import type { WriteContext } from "../ingest/writing.ts";
import { lockCalls } from "../store/lockCalls.ts";
import { lockSites } from "../store/lockSites.ts";
import type { WrittenCall } from "../store/readWrittenCalls.ts";
import { readStreams } from "../store/readStreams.ts";
import { compareCalls, compareParticipants, compareSteps } from "./diff.ts";
import { isEntangled } from "./entangled.ts";
import { readContexts } from "./sites.ts";
import { hasItsEvents, readStored, type StoredCall, tellAgain } from "./tell.ts";
import type { CallChange, SkippedCall } from "./types.ts";

export interface BatchContext {
  assembler: Assembler;
  /** Epoch ms: when new steps count as received. */
  now: number;
  dryRun: boolean;
}

export interface BatchOutcome {
  changes: CallChange[];
  skipped: SkippedCall[];
  /** Calls whose channels belong together otherwise than they are stored: to be told with the site held alone. */
  entangled: { id: number; siteId: number }[];
}

/**
 * Assembles calls again in one transaction, under the locks the writer takes; writes those that are told differently,
 * unless it is a dry run. A call that went meanwhile is passed over.
 */
export async function rebuildBatch(
  client: ClientBase,
  calls: readonly { id: number; siteId: number }[],
  context: BatchContext,
): Promise<BatchOutcome> {
  const siteIds = [...new Set(calls.map(({ siteId }) => siteId))];
  await lockSites(client, new Map(siteIds.map((id) => [id, "shared"])));
  const sites = await readContexts(client, siteIds);
  const rows = await lockCalls(
    client,
    calls.map(({ id }) => id),
  );
  const { calls: stored, history } = await readStored(client, rows, sites);
  const whole = stored.filter((call) => hasItsEvents(call, context.assembler));
  const entangled = await isEntangled(client, whole, context.assembler);
  const plain = whole.filter((call) => !entangled.has(call));
  const outcome = await rewrite(client, plain, history, context);
  return {
    changes: outcome.changes,
    skipped: [...stored.filter((call) => !whole.includes(call)).map(withoutEvents), ...outcome.skipped],
    entangled: [...entangled].map(({ row }) => ({ id: row.id, siteId: row.siteId })),
  };
}

/** It would run for ever, and lose the events it keeps. */
export const NOT_ENDED = "its events show no end";

interface Regrouped {
  /** Calls that merged into this one just now. */
  partsOf(id: number): readonly WrittenCall[];
  /** Write also what is told as before: its events are others now. */
  always: boolean;
}

/** Tells calls whose locks are held, and writes those that differ. */
export async function rewrite(
  client: ClientBase,
  calls: readonly StoredCall[],
  history: History,
  { assembler, now, dryRun }: BatchContext,
  { partsOf, always }: Regrouped = { partsOf: () => [], always: false },
): Promise<Omit<BatchOutcome, "entangled">> {
  const settled = await readSettled(client, calls);
  const differing: Retold[] = [];
  const changes: CallChange[] = [];
  const skipped: SkippedCall[] = [];
  for (const call of calls) {
    const retold = tellAgain(call, history, assembler, partsOf(call.row.id));
    if (retold.call === undefined) {
      skipped.push(skip(call, "no_channels", "its events show no channel"));
      continue;
    }
    if (call.row.state === "final" && !retold.call.ended) {
      skipped.push(skip(call, "not_ended", NOT_ENDED));
      continue;
    }
    const change = compare(call, retold, settled);
    if (change !== undefined || always) differing.push(retold);
    if (change !== undefined) changes.push(change);
  }
  if (!dryRun && differing.length > 0) await write(client, differing, { receivedAt: now, settled });
  return { changes, skipped };
}

async function write(client: ClientBase, retold: readonly Retold[], context: WriteContext): Promise<void> {
  await writeParts(client, retold, await writeCalls(client, retold, context), context);
}

function withoutEvents(call: StoredCall): SkippedCall {
  const { eventCount } = call.written.row;
  return skip(call, "events_gone", `made from ${eventCount} events, of which not all are stored any more`);
}

export function skip({ written, row }: StoredCall, reason: SkippedCall["reason"], detail: string): SkippedCall {
  return { id: written.id, uniqueId: written.uniqueId, siteId: row.siteId, reason, detail };
}

async function readSettled(client: ClientBase, calls: readonly StoredCall[]): Promise<(stream: number) => Ranges> {
  const siteIds = [...new Set(calls.map(({ row }) => row.siteId))];
  const streams = await readStreams(client, siteIds);
  const settled = new Map(
    streams.map(({ id, received, filled }) => [id, unite(parseMultirange(received), parseMultirange(filled))]),
  );
  return (stream) => settled.get(stream) ?? [];
}

/** Undefined when the tables say already what is told. */
function compare(
  { written, row: locked, touched }: StoredCall,
  retold: Retold,
  settled: (stream: number) => Ranges,
): CallChange | undefined {
  const { call, first } = retold;
  if (call === undefined) return undefined;
  const standing = standingOf(call, settled, locked.state);
  const row = callRow(call, touched.site, standing, first, locked.receivedAt);
  const participants = call.participants.map((one) => participantRow(written.id, one, standing.incomplete));
  const steps = toldSteps(call, standing).map((step) => stepRow(written.id, written.uniqueId, row.siteId, step));
  const change = {
    fields: compareCalls(written.row, row),
    participants: compareParticipants(written.participants, participants),
    steps: standing.incomplete ? [] : compareSteps(written.steps, steps),
  };
  if (Object.values(change).every((list) => list.length === 0)) return undefined;
  return { ...noChange({ written, touched }), ...change };
}

/** A change that changes nothing yet. */
export function noChange({ written, touched }: Pick<StoredCall, "written" | "touched">): CallChange {
  const { id, uniqueId, row } = written;
  const startTime = new Date(Math.round(row.startTime)).toISOString();
  const { timezone } = touched.site.directory;
  const nothing = { fields: [], participants: [], steps: [], merged: [], splitFrom: undefined };
  return { id, uniqueId, siteId: row.siteId, timezone, startTime, ...nothing };
}
