import { setTimeout as sleep } from "node:timers/promises";
import type { ClientBase, Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import { assembler as standard, type Assembler } from "../ingest/assembler.ts";
import { cureOf } from "../ingest/pg-failure.ts";
import { ensurePartitions } from "../store/ensurePartitions.ts";
import {
  countRebuildable,
  findRebuildable,
  type RebuildableCall,
  type RebuildScope,
} from "../store/findRebuildable.ts";
import { inTransaction } from "../store/transaction.ts";
import { type BatchOutcome, rebuildBatch } from "./batch.ts";
import { REBUILD_LIMITS } from "./limits.ts";
import { regroup } from "./regroup.ts";
import type { CallChange, RebuildSummary, SkippedCall } from "./types.ts";

export interface RebuildOptions {
  pool: Pool;
  scope: RebuildScope;
  /** Tell what would change, change nothing. */
  dryRun: boolean;
  now: () => number;
  random: () => number;
  /** Ends the run between two batches. */
  stop: AbortSignal;
  /** What tells calls; a test may hand in another. */
  assembler?: Assembler;
}

export interface RebuildListener {
  changed(change: CallChange): void;
  skipped(call: SkippedCall): void;
  /** After every batch: calls looked at, of how many there were at the beginning. */
  progress(done: number, total: number): void;
}

/** Thrown to undo a transaction whose outcome was only wanted for show. */
class Undone extends Error {}

/**
 * Assembles calls again from the raw log, or from raw_data where the log was cleared, batch by batch, each in one
 * transaction. May be interrupted and run again at any time, beside servers that write: what is right already is not written.
 * @throws the database's error when it is away; what was done until then stays done.
 */
export async function rebuild(options: RebuildOptions, listener: RebuildListener): Promise<RebuildSummary> {
  const { pool, scope, dryRun, now } = options;
  const summary: RebuildSummary = { calls: 0, changed: 0, merged: 0, split: 0, skipped: 0, dryRun, stopped: false };
  const total = await countRebuildable(pool, scope);
  const handled = new Set<number>();
  await ensurePartitions(pool, now());
  listener.progress(0, total);
  for (let last: RebuildableCall | undefined; ;) {
    const page = await findRebuildable(pool, scope, last, REBUILD_LIMITS.batchCallsMax);
    if (page.length === 0) return summary;
    if (options.stop.aborted) return { ...summary, stopped: true };
    const batch = takeBatch(page);
    last = batch.at(-1);
    tell(await rebuildAll(batch, options, handled), summary, listener);
    summary.calls += batch.length;
    listener.progress(summary.calls, Math.max(total, summary.calls));
  }
}

/** From the front, as many as fit into one batch, at least one. */
function takeBatch(page: readonly RebuildableCall[]): RebuildableCall[] {
  let events = 0;
  const end = page.findIndex((call, at) => (events += call.events) > REBUILD_LIMITS.batchEventsMax && at > 0);
  return page.slice(0, end < 0 ? page.length : end);
}

type Outcome = Omit<BatchOutcome, "entangled">;

function tell({ changes, skipped }: Outcome, summary: RebuildSummary, listener: RebuildListener): void {
  for (const change of changes) {
    summary.changed += 1;
    summary.merged += change.merged.length;
    summary.split += change.splitFrom === undefined ? 0 : 1;
    listener.changed(change);
  }
  for (const call of skipped) {
    summary.skipped += 1;
    listener.skipped(call);
  }
}

/** A batch, then each group of calls in it that do not belong together as they are stored. */
async function rebuildAll(
  batch: readonly RebuildableCall[],
  options: RebuildOptions,
  handled: Set<number>,
): Promise<Outcome> {
  const calls = batch.filter(({ id }) => !handled.has(id));
  const { changes, skipped, entangled } = await rebuildApart(calls, options);
  for (const call of entangled) {
    if (handled.has(call.id)) continue;
    const told = await attempt(options, options.dryRun, (client, context) => regroup(client, call, context));
    for (const { id } of told.entangled) handled.add(id);
    changes.push(...told.changes);
    skipped.push(...told.skipped);
  }
  return { changes, skipped };
}

/** One call that the database refuses does not keep the others from being told. */
async function rebuildApart(calls: readonly RebuildableCall[], options: RebuildOptions): Promise<BatchOutcome> {
  try {
    return await attempt(options, false, (client, context) => rebuildBatch(client, calls, context));
  } catch (error) {
    if (cureOf(error) !== "apart") throw error;
    const [only, ...others] = calls;
    if (only !== undefined && others.length === 0) return refused(only, error);
    const outcomes: BatchOutcome[] = [];
    for (const call of calls) outcomes.push(await rebuildApart([call], options));
    return {
      changes: outcomes.flatMap(({ changes }) => changes),
      skipped: outcomes.flatMap(({ skipped }) => skipped),
      entangled: outcomes.flatMap(({ entangled }) => entangled),
    };
  }
}

function refused({ id, siteId }: RebuildableCall, error: unknown): BatchOutcome {
  const skipped: SkippedCall = { id, uniqueId: "", siteId, reason: "failed", detail: messageOf(error) };
  return { changes: [], skipped: [skipped], entangled: [] };
}

/** One transaction, repeated while another writer is in its way; undone at its end when told so. */
async function attempt(
  { pool, assembler = standard, now, random, dryRun }: RebuildOptions,
  undo: boolean,
  work: (client: ClientBase, context: { assembler: Assembler; now: number; dryRun: boolean }) => Promise<BatchOutcome>,
): Promise<BatchOutcome> {
  for (let attempts = 1; ; attempts++) {
    let outcome: BatchOutcome | undefined;
    try {
      return await inTransaction(pool, async (client) => {
        outcome = await work(client, { assembler, now: now(), dryRun });
        if (undo) throw new Undone();
        return outcome;
      });
    } catch (error) {
      if (error instanceof Undone && outcome !== undefined) return outcome;
      if (cureOf(error) !== "again" || attempts === REBUILD_LIMITS.attemptsMax) throw error;
      await sleep(random() * Math.min(REBUILD_LIMITS.retryDelayMsMax, 2 ** attempts));
    }
  }
}
