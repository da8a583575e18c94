import type { ClientBase } from "pg";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { jsonbArray } from "./arrays.ts";

/** A row of call_events; `at` in epoch ms. */
export interface StepRow {
  callId: number;
  uniqueId: string;
  siteId: number;
  leg: string;
  type: string;
  nth: number;
  sequence: number;
  at: number;
  dataSource: string;
  raw: AmiEvent;
}

/** A step that is not yet written, with what it needs. */
export interface NewStepRow extends StepRow {
  receivedAt: number;
  processed: boolean;
  needsTelegram: boolean;
  needsIntegration: boolean;
}

export interface InsertedStep {
  id: number;
  callId: number;
  leg: string;
  type: string;
  nth: number;
  /** Exactly as stored: it names the partition. */
  receivedTimestamp: string;
}

const RECORD = `"callId" bigint, "uniqueId" text, "siteId" int, leg text, type text, nth int, sequence int, at float8,
  "dataSource" text`;
const NAMES = `"callId", "uniqueId", "siteId", leg, type, nth, sequence, at, "dataSource"`;

/** The rows without their events, and the events: long texts are then parsed once. */
function parameters(rows: readonly StepRow[]): [string, Buffer] {
  const json = JSON.stringify(rows.map((row) => ({ ...row, raw: undefined })));
  return [json, jsonbArray(rows.map(({ raw }) => JSON.stringify(raw)))];
}

export async function insertSteps(client: ClientBase, rows: NewStepRow[]): Promise<InsertedStep[]> {
  if (rows.length === 0) return [];
  const inserted = await client.query<InsertedStep>({
    name: "insert_steps",
    text: `INSERT INTO call_events (call_id, unique_id, site_id, leg, event_type, nth, event_sequence, event_timestamp,
             received_timestamp, data_source, processed, needs_telegram, needs_integration, raw_data)
           SELECT "callId", "uniqueId", "siteId", leg, type, nth, sequence, to_timestamp(at / 1000),
             to_timestamp("receivedAt" / 1000), "dataSource", processed, "needsTelegram", "needsIntegration", raw
           FROM ROWS FROM (json_to_recordset($1) AS (${RECORD}, "receivedAt" float8, processed bool,
               "needsTelegram" bool, "needsIntegration" bool), unnest($2::jsonb[]))
             AS r (${NAMES}, "receivedAt", processed, "needsTelegram", "needsIntegration", raw) ORDER BY "callId", sequence
           RETURNING id::float8 AS id, call_id::float8 AS "callId", leg, event_type AS type, nth,
             received_timestamp::text AS "receivedTimestamp"`,
    values: parameters(rows),
  });
  return inserted.rows;
}

/** Rewrites steps that differ; what was sent and what is needed stays as it is. */
export async function updateSteps(
  client: ClientBase,
  rows: (StepRow & { id: number; receivedTimestamp: string })[],
): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "update_steps",
    text: `UPDATE call_events e SET unique_id = "uniqueId", event_sequence = sequence,
             event_timestamp = to_timestamp(at / 1000), data_source = "dataSource", raw_data = raw
           FROM ROWS FROM (json_to_recordset($1) AS (id bigint, "receivedTimestamp" timestamptz, ${RECORD}),
               unnest($2::jsonb[])) AS r (id, "receivedTimestamp", ${NAMES}, raw)
           WHERE e.id = r.id AND e.event_type = r.type AND e.received_timestamp = "receivedTimestamp"
             AND (e.unique_id, e.event_sequence, e.event_timestamp, e.data_source, e.raw_data)
               IS DISTINCT FROM ("uniqueId", sequence, to_timestamp(at / 1000), "dataSource", raw)`,
    values: parameters(rows),
  });
}

/** Deletes steps that assembly no longer tells, but none that anybody was told of. Returns the ids deleted. */
export async function deleteUnsentSteps(
  client: ClientBase,
  rows: { id: number; type: string; receivedTimestamp: string }[],
): Promise<number[]> {
  if (rows.length === 0) return [];
  const deleted = await client.query<{ id: number }>(
    `DELETE FROM call_events e
     USING unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS r (id, type, received)
     WHERE e.id = r.id AND e.event_type = r.type AND e.received_timestamp = r.received
       AND NOT e.telegram_sent AND NOT e.integration_sent
       AND NOT EXISTS (SELECT FROM deliveries d WHERE (d.site_id, d.leg, d.event_type, d.nth) =
                         (e.site_id, e.leg, e.event_type, e.nth) AND d.attempts > 0)
     RETURNING e.id::float8 AS id`,
    [rows.map((r) => r.id), rows.map((r) => r.type), rows.map((r) => r.receivedTimestamp)],
  );
  return deleted.rows.map((row) => row.id);
}
