import type { ClientBase } from "pg";
import { jsonbArray } from "./arrays.ts";
import type { CallState } from "./lockCalls.ts";

/** A row of calls as the writer makes it. Times in epoch ms. */
export interface CallRow {
  siteId: number;
  linkedid: string;
  enterpriseId: string;
  token: string;
  asteriskHost: string;
  startTime: number;
  endTime: number | null;
  duration: number | null;
  phoneNumber: string | null;
  trunk: string | null;
  mainExtension: string | null;
  extensionsCount: number;
  callType: string;
  callStatus: string | null;
  dataSource: string;
  extraData: Record<string, unknown>;
  state: CallState;
  incomplete: boolean;
  eventCount: number;
  proof: [stream: number, fromSeq: number, toSeq: number][];
  firstStream: number;
  firstSeq: number;
  receivedAt: number;
}

/** JSON text of calls.raw_data; null or absent: none yet. */
interface WithRawData {
  rawData?: string | null;
}

export interface InsertedCall {
  id: number;
  siteId: number;
  linkedid: string;
  uniqueId: string;
}

const RECORD = `"siteId" int, linkedid text, "enterpriseId" text, token text, "asteriskHost" text, "startTime" float8,
  "endTime" float8, duration int, "phoneNumber" text, trunk text, "mainExtension" text, "extensionsCount" int,
  "callType" text, "callStatus" text, "dataSource" text, "extraData" jsonb, state text, incomplete bool,
  "eventCount" int, proof jsonb, "firstStream" bigint, "firstSeq" bigint, "receivedAt" float8`;

const NAMES = RECORD.replaceAll(/ (int|text|float8|jsonb|bool|bigint)\b/g, "");

function parameters(rows: readonly WithRawData[]): [string, Buffer] {
  const json = JSON.stringify(rows.map((row) => ({ ...row, rawData: undefined })));
  return [json, jsonbArray(rows.map(({ rawData }) => rawData ?? null))];
}

/** Asterisk ids repeat between boxes: the second site to bring one gets it with its own prefix. */
const PREFIXED = `'s' || "siteId" || '-' || linkedid`;

/**
 * Inserts new calls and returns those that were inserted. One that is absent was made by another writer meanwhile.
 */
export async function insertCalls(client: ClientBase, rows: (CallRow & WithRawData)[]): Promise<InsertedCall[]> {
  if (rows.length === 0) return [];
  const inserted = await insertAs(client, rows, "linkedid");
  if (inserted.length === rows.length) return inserted;
  const done = new Set(inserted.map((row) => `${row.siteId} ${row.linkedid}`));
  const others = rows.filter((row) => !done.has(`${row.siteId} ${row.linkedid}`));
  return [...inserted, ...(await insertAs(client, others, PREFIXED))];
}

async function insertAs(
  client: ClientBase,
  rows: (CallRow & WithRawData)[],
  uniqueId: string,
): Promise<InsertedCall[]> {
  const inserted = await client.query<InsertedCall>({
    name: uniqueId === PREFIXED ? "insert_calls_prefixed" : "insert_calls",
    text: `INSERT INTO calls (site_id, linkedid, unique_id, enterprise_id, token, asterisk_host, start_time, end_time,
             duration, phone_number, trunk, main_extension, extensions_count, call_type, call_status, data_source,
             extra_data, state, incomplete, event_count, proof, first_stream, first_seq, received_timestamp, raw_data)
           SELECT "siteId", linkedid, ${uniqueId}, "enterpriseId", token, "asteriskHost",
             to_timestamp("startTime" / 1000), to_timestamp("endTime" / 1000), duration, "phoneNumber", trunk,
             "mainExtension", "extensionsCount", "callType", "callStatus", "dataSource", "extraData", state,
             incomplete, "eventCount", proof, "firstStream", "firstSeq", to_timestamp("receivedAt" / 1000), raw
           FROM ROWS FROM (json_to_recordset($1) AS (${RECORD}), unnest($2::jsonb[])) AS r (${NAMES}, raw) ORDER BY linkedid, "siteId"
           ON CONFLICT DO NOTHING
           RETURNING id::float8 AS id, site_id AS "siteId", linkedid, unique_id AS "uniqueId"`,
    values: parameters(rows),
  });
  return inserted.rows;
}

/** Another call of the site bears the linkedid. */
const HELD = `EXISTS (SELECT FROM calls h WHERE h.site_id = c.site_id AND h.linkedid = r.linkedid AND h.id <> c.id)`;

/** Rewrites calls whose lock is held. A new linkedid brings a new unique_id, prefixed when another site holds it. */
export async function updateCalls(
  client: ClientBase,
  rows: (CallRow & WithRawData & { id: number })[],
): Promise<UpdatedCall[]> {
  if (rows.length === 0) return [];
  const updated = await client.query<UpdatedCall>({
    name: "update_calls",
    text: `UPDATE calls c SET linkedid = CASE WHEN ${HELD} THEN c.linkedid ELSE r.linkedid END,
             unique_id = CASE WHEN c.linkedid = r.linkedid OR ${HELD} THEN c.unique_id
               WHEN EXISTS (SELECT FROM calls o WHERE o.unique_id = r.linkedid AND o.id <> c.id)
                 THEN 's' || "siteId" || '-' || r.linkedid
               ELSE r.linkedid END,
             enterprise_id = "enterpriseId", token = r.token, asterisk_host = "asteriskHost",
             start_time = to_timestamp("startTime" / 1000), end_time = to_timestamp("endTime" / 1000),
             duration = r.duration, phone_number = "phoneNumber", trunk = r.trunk, main_extension = "mainExtension",
             extensions_count = "extensionsCount", call_type = "callType", call_status = "callStatus",
             data_source = "dataSource", extra_data = "extraData", state = r.state, incomplete = r.incomplete,
             event_count = "eventCount", proof = r.proof, first_stream = "firstStream", first_seq = "firstSeq",
             received_timestamp = to_timestamp("receivedAt" / 1000),
             raw_data = coalesce(r.raw, c.raw_data),
             revision = c.revision + 1, changed_at = clock_timestamp()
           FROM ROWS FROM (json_to_recordset($1) AS (id bigint, ${RECORD}), unnest($2::jsonb[])) AS r (id, ${NAMES}, raw)
           WHERE c.id = r.id
           RETURNING c.id::float8 AS id, c.unique_id AS "uniqueId", c.revision`,
    values: parameters(rows),
  });
  return updated.rows;
}

export interface UpdatedCall {
  id: number;
  uniqueId: string;
  revision: number;
}
