import type { ClientBase } from "pg";
import { codeOf } from "../../../shared/errors.ts";
import { countWords, noCounts, type Counts } from "../counts.ts";
import { makeEnterprises } from "./directory.ts";
import { findCalls, STAGE_KEYS } from "./find.ts";
import { planBatch, type Plan } from "./plan.ts";
import { saveProgress, type ImportState } from "./progress.ts";
import { dropRejects, saveRejects } from "./rejects.ts";
import { copyCalls, rewriteCalls, STAGE_CALLS } from "./rows.ts";
import type { MappedBatch } from "../map/batch.ts";
import type { MappingContext } from "../map/document.ts";
import type { Position } from "../source/source.ts";

/** 23505: the running server inserted a call meanwhile; 40P01, 40001: it was in the way. The batch is planned anew. */
const PASSING = new Set(["23505", "40P01", "40001"]);
const triesMax = 5;

/** The planner must not read all calls because a batch's few keys look like many. */
const BY_INDEX = `SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off`;
const THIS_MONTH = "SELECT ensure_call_events_month(now())";

/** Once a connection. */
export async function prepareLoading(client: ClientBase): Promise<void> {
  await client.query("SET client_min_messages = warning");
  await client.query(STAGE_KEYS);
  await client.query(STAGE_CALLS);
}

/**
 * Writes a batch and the progress it makes in one transaction: after a kill at any moment both are there or neither.
 * `position`: where reading goes on; undefined when the documents do not come from the source's own order (retries).
 */
export async function loadBatch(
  client: ClientBase,
  batch: MappedBatch,
  position: Position | undefined,
  state: ImportState,
  context: MappingContext,
): Promise<ImportState> {
  for (let tries = 1; ; tries++) {
    try {
      await client.query("BEGIN");
      const next = await writeBatch(client, batch, position, state, context);
      await client.query("COMMIT");
      return next;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => undefined);
      if (tries >= triesMax || !PASSING.has(codeOf(error) ?? "")) throw error;
    }
  }
}

async function writeBatch(
  client: ClientBase,
  batch: MappedBatch,
  position: Position | undefined,
  state: ImportState,
  context: MappingContext,
): Promise<ImportState> {
  await client.query(BY_INDEX);
  await client.query(THIS_MONTH);
  await makeEnterprises(client, batch.made);
  const plan = planBatch(batch.groups, await findCalls(client, batch.groups), context);
  await carryOut(client, plan);
  const added = await saveRejects(client, state.id, batch.rejects);
  const ids = batch.groups.flatMap((group) => group.facts.map((facts) => facts.mongoId));
  const cleared =
    Object.keys(state.counts.rejects).length === 0
      ? 0
      : await dropRejects(client, state.id, [...ids, ...batch.settled]);
  const read = position === undefined ? 0 : batch.documents;
  const counts = { ...countsOf(batch, plan), documents: read, rejected: added - cleared };
  return saveProgress(client, state, position ?? state.position, counts);
}

async function carryOut(client: ClientBase, plan: Plan): Promise<void> {
  if (plan.remove.length > 0) {
    await client.query("DELETE FROM calls WHERE id = ANY($1::bigint[]) AND data_source = 'migrated'", [plan.remove]);
  }
  const ids = await newIds(client, plan.insert.length);
  await copyCalls(
    client,
    plan.insert.map((call, index) => ({ ...call, id: ids[index] ?? 0 })),
  );
  await rewriteCalls(client, plan.rewrite);
  await linkCalls(client, plan.link);
}

async function newIds(client: ClientBase, count: number): Promise<number[]> {
  if (count === 0) return [];
  const { rows } = await client.query<{ id: number }>(
    "SELECT nextval(pg_get_serial_sequence('calls', 'id'))::float8 AS id FROM generate_series(1, $1)",
    [count],
  );
  return rows.map((row) => row.id);
}

/** A call that came over the wire keeps everything; it only learns where it is in the old system. */
async function linkCalls(client: ClientBase, links: Plan["link"]): Promise<void> {
  if (links.length === 0) return;
  const ordered = links.toSorted((a, b) => a.id - b.id);
  await client.query(
    `UPDATE calls c SET mongo_id = l.mongo_id
     FROM (SELECT DISTINCT ON (id) id, mongo_id FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS l (id, mongo_id, nr)
           ORDER BY id, nr) l
     WHERE c.id = l.id AND c.mongo_id IS NULL`,
    [ordered.map(({ id }) => id), ordered.map(({ mongoId }) => mongoId)],
  );
}

function countsOf(batch: MappedBatch, plan: Plan): Counts {
  const linked = plan.link.reduce((sum, { documents }) => sum + documents, 0);
  const mapped = batch.groups.reduce((sum, group) => sum + group.facts.length, 0);
  return {
    ...noCounts(),
    calls: plan.insert.length,
    migrated: mapped - linked,
    linked,
    rejects: countWords(batch.rejects.map(({ reason }) => reason)),
    rules: countWords([...plan.rules]),
  };
}
