import type { ClientBase } from "pg";
import { canonical, type JsonObject } from "../json.ts";
import { copyRows, timestamp, type Cell } from "../load/copy.ts";
import { findCalls, type Found, type Group } from "../load/find.ts";
import { allFacts, ownCalls } from "../load/plan.ts";
import { mergeCall } from "../map/call.ts";
import type { MappingContext } from "../map/document.ts";
import type { CallRow } from "../map/types.ts";

/** What the source says must be there, a row for each time a call's documents were met; of this connection alone. */
export const EXPECTED_TABLE = `CREATE TEMP TABLE mongo_expected
  (call_id bigint NOT NULL, linked boolean NOT NULL, enterprise_id text, call_type text, call_status text,
   start_time timestamptz, duration int, participants int, steps int, documents int NOT NULL)`;

export interface Checked {
  /** A migrated call, and how it must look. */
  calls: { id: number; row: CallRow }[];
  /** Documents whose call is not there at all. */
  missing: string[];
  /** Documents that are not in their call, or not as the source has them. */
  differing: string[];
}

/** Looks for each group of a batch in the database and notes what it must look like. Within a transaction. */
export async function checkBatch(
  client: ClientBase,
  groups: readonly Group[],
  context: MappingContext,
): Promise<Checked> {
  const byGroup = Map.groupBy(await findCalls(client, groups), (call) => call.group);
  const checked: Checked = { calls: [], missing: [], differing: [] };
  const rows: Cell[][] = [];
  for (const [index, group] of groups.entries()) {
    const { migrated, wired } = ownCalls(group, byGroup.get(index) ?? [], []);
    if (wired !== undefined) rows.push(linkedRow(wired, group));
    else if (migrated === undefined) checked.missing.push(...group.facts.map((facts) => facts.mongoId));
    else rows.push(migratedRow(migrated, group, context, checked));
  }
  await copyRows(client, "mongo_expected", rows);
  return checked;
}

function linkedRow(call: Found, group: Group): Cell[] {
  return [call.id, true, group.enterprise.id, null, null, null, null, null, null, group.facts.length];
}

function migratedRow(call: Found, group: Group, context: MappingContext, checked: Checked): Cell[] {
  checked.differing.push(...differing(call, group));
  const row = mergeCall(allFacts(group, call, context), group.enterprise);
  checked.calls.push({ id: call.id, row });
  const counts = [row.participants.length, row.steps.length, group.facts.length];
  const told = [row.enterprise_id, row.call_type, row.call_status, timestamp(row.start_time), row.duration];
  return [call.id, false, ...told, ...counts];
}

/** Each document of the source must stand in its call word for word. */
function differing(call: Found, group: Group): string[] {
  const stored = new Set((call.documents ?? []).map((document: JsonObject) => canonical(document)));
  return group.facts.filter(({ document }) => !stored.has(canonical(document))).map((facts) => facts.mongoId);
}
