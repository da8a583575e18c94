import type { ClientBase } from "pg";
import { ADD_JOB } from "./deliveryJobs.ts";

/** A step that somebody is to be told of. */
export interface NewDelivery {
  enterpriseId: string;
  callId: number;
  uniqueId: string;
  siteId: number;
  leg: string;
  type: string;
  nth: number;
  channel: string;
  target: string;
}

/** Notes what is owed and adds the jobs that send it, in the caller's transaction: both are there with the step, or not at all. */
export async function insertDeliveries(client: ClientBase, rows: readonly NewDelivery[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "insert_deliveries",
    text: `WITH owed AS (
             INSERT INTO deliveries (enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target)
             SELECT "enterpriseId", "callId", "uniqueId", "siteId", leg, type, nth, channel, target
             FROM json_to_recordset($1) AS r ("enterpriseId" text, "callId" bigint, "uniqueId" text, "siteId" int,
               leg text, type text, nth int, channel text, target text)
             ON CONFLICT DO NOTHING RETURNING enterprise_id, call_id, channel, target)
           SELECT ${ADD_JOB} FROM (SELECT DISTINCT * FROM owed ORDER BY call_id, channel, target) o`,
    values: [JSON.stringify(rows)],
  });
}
