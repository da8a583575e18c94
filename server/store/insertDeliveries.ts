import type { ClientBase } from "pg";
import { addJobs } from "./deliveryJobs.ts";

/** 0 a missed call, 1 a call begins or ends or somebody did something about it, 2 what goes on meanwhile. */
export type Urgency = 0 | 1 | 2;

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
  /** In a chat missed calls go first. */
  urgency: Urgency;
}

/** Notes what is owed and adds the jobs that send it, in the caller's transaction: both are there with the step, or not at all. */
export async function insertDeliveries(client: ClientBase, rows: readonly NewDelivery[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "insert_deliveries",
    text: `WITH owed AS (
             INSERT INTO deliveries (enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target, urgency)
             SELECT "enterpriseId", "callId", "uniqueId", "siteId", leg, type, nth, channel, target, urgency
             FROM json_to_recordset($1) AS r ("enterpriseId" text, "callId" bigint, "uniqueId" text, "siteId" int,
               leg text, type text, nth int, channel text, target text, urgency int)
             ON CONFLICT DO NOTHING RETURNING enterprise_id, call_id, channel, target)
           ${addJobs("owed")}`,
    values: [JSON.stringify(rows)],
  });
}
