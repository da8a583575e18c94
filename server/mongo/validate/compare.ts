import { isDeepStrictEqual } from "node:util";
import type { ClientBase } from "pg";
import type { Json } from "../json.ts";
import type { CallRow } from "../map/types.ts";

export interface Difference {
  uniqueId: string;
  field: string;
  expected: Json;
  found: Json;
}

interface StoredCall {
  unique_id: string;
  call: { [column: string]: Json };
  participants: Json[];
  steps: Json[];
}

const COLUMNS = [
  "linkedid",
  "mongo_id",
  "enterprise_id",
  "token",
  "duration",
  "phone_number",
  "trunk",
  "main_extension",
  "extensions_count",
  "call_type",
  "call_status",
  "asterisk_host",
  "raw_data",
  "extra_data",
] as const;

/** Compares a call as the source tells it with the call as it is stored, field by field, children included. */
export async function compareCall(client: ClientBase, callId: number, expected: CallRow): Promise<Difference[]> {
  const { rows } = await client.query<StoredCall>(READ_CALL, [callId]);
  const stored = rows[0];
  if (stored === undefined) return [{ uniqueId: expected.linkedid, field: "call", expected: "a row", found: null }];
  const wanted = expectedFields(expected);
  const found: { [field: string]: Json } = {
    ...stored.call,
    participants: stored.participants,
    steps: stored.steps,
  };
  return Object.keys(wanted)
    .filter((field) => !isDeepStrictEqual(plain(wanted[field]), plain(found[field])))
    .map((field) => ({
      uniqueId: stored.unique_id,
      field,
      expected: wanted[field] ?? null,
      found: found[field] ?? null,
    }));
}

/** JSON as PostgreSQL gives it back: -0 is 0, and nothing is undefined. */
function plain(value: Json | undefined): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

function expectedFields(row: CallRow): { [field: string]: Json } {
  const scalars = Object.fromEntries(COLUMNS.map((column) => [column, row[column] as Json]));
  return {
    ...scalars,
    data_source: "migrated",
    state: "final",
    start_time: row.start_time,
    end_time: row.end_time,
    participants: row.participants.map((one) => ({ ...one })),
    steps: row.steps.map((step) => ({
      event_type: step.event_type,
      event_sequence: step.event_sequence,
      event_timestamp: step.event_timestamp,
      raw_data: step.raw_data,
      processed: true,
      needs: false,
    })),
  };
}

const MS = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

const READ_CALL = `
  SELECT c.unique_id,
    jsonb_build_object(${COLUMNS.map((column) => `'${column}', c.${column}`).join(", ")}, 'data_source', c.data_source,
      'state', c.state, 'start_time', ${MS("c.start_time")}, 'end_time', ${MS("c.end_time")}) AS call,
    coalesce((SELECT jsonb_agg(jsonb_build_object('extension', p.extension, 'participant_status', p.participant_status,
        'ring_order', p.ring_order, 'ring_duration', p.ring_duration, 'dial_start', ${MS("p.dial_start")},
        'answer_time', ${MS("p.answer_time")}, 'hangup_time', ${MS("p.hangup_time")},
        'extension_info', p.extension_info, 'disconnect_reason', p.disconnect_reason) ORDER BY p.ring_order, p.id)
      FROM call_participants p WHERE p.call_id = c.id), '[]') AS participants,
    coalesce((SELECT jsonb_agg(jsonb_build_object('event_type', e.event_type, 'event_sequence', e.event_sequence,
        'event_timestamp', ${MS("e.event_timestamp")}, 'raw_data', e.raw_data, 'processed', e.processed,
        'needs', e.needs_telegram OR e.needs_integration) ORDER BY e.event_sequence)
      FROM call_events e WHERE e.call_id = c.id), '[]') AS steps
  FROM calls c WHERE c.id = $1`;
