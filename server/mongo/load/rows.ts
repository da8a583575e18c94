import type { ClientBase } from "pg";
import type { JsonObject } from "../json.ts";
import { copyRows, timestamp, type Cell } from "./copy.ts";
import type { CallRow } from "../map/types.ts";

/** A call with the ids it is stored under. */
export interface PlacedCall {
  id: number;
  uniqueId: string;
  row: CallRow;
}

const CALL_COLUMNS = `id, unique_id, linkedid, mongo_id, enterprise_id, token, start_time, end_time, duration,
  phone_number, trunk, main_extension, extensions_count, call_type, call_status, asterisk_host, raw_data, extra_data,
  data_source, state`;
const PARTICIPANT_COLUMNS = `call_id, extension, participant_status, ring_order, ring_duration, dial_start,
  answer_time, hangup_time, extension_info, disconnect_reason`;
const EVENT_COLUMNS = `call_id, unique_id, event_type, event_sequence, event_timestamp, data_source, processed,
  needs_telegram, needs_integration, telegram_sent, integration_sent, raw_data, leg, nth`;

/** New calls with their participants and steps. Returns the bytes sent. */
export async function copyCalls(client: ClientBase, calls: readonly PlacedCall[]): Promise<number> {
  const json = new DocumentText();
  const sent = await copyRows(client, `calls (${CALL_COLUMNS})`, callRows(calls, json));
  return sent + (await copyChildren(client, calls, json));
}

/** Writes calls of an earlier batch anew, now that more of their documents are known. */
export async function rewriteCalls(client: ClientBase, calls: readonly PlacedCall[]): Promise<void> {
  if (calls.length === 0) return;
  const json = new DocumentText();
  await copyRows(client, `mongo_stage_calls (${CALL_COLUMNS})`, callRows(calls, json));
  await client.query(UPDATE_CALLS);
  const ids = calls.map(({ id }) => id);
  await client.query("DELETE FROM call_participants WHERE call_id = ANY($1::bigint[])", [ids]);
  await client.query("DELETE FROM call_events WHERE call_id = ANY($1::bigint[])", [ids]);
  await copyChildren(client, calls, json);
}

/** Of this connection alone, empty at each commit. */
export const STAGE_CALLS = `CREATE TEMP TABLE IF NOT EXISTS mongo_stage_calls (LIKE calls INCLUDING DEFAULTS)
  ON COMMIT DELETE ROWS`;

const UPDATE_CALLS = `
  UPDATE calls c SET mongo_id = s.mongo_id, token = s.token, start_time = s.start_time, end_time = s.end_time,
    duration = s.duration, phone_number = s.phone_number, trunk = s.trunk, main_extension = s.main_extension,
    extensions_count = s.extensions_count, call_type = s.call_type, call_status = s.call_status,
    asterisk_host = s.asterisk_host, raw_data = s.raw_data, extra_data = s.extra_data,
    revision = c.revision + 1, changed_at = clock_timestamp()
  FROM mongo_stage_calls s WHERE c.id = s.id AND c.data_source = 'migrated'`;

async function copyChildren(client: ClientBase, calls: readonly PlacedCall[], json: DocumentText): Promise<number> {
  const participants = await copyRows(client, `call_participants (${PARTICIPANT_COLUMNS})`, participantRows(calls));
  return participants + (await copyRows(client, `call_events (${EVENT_COLUMNS})`, eventRows(calls, json)));
}

/** A document stands in its call and in its step; it is made text once. */
class DocumentText {
  readonly #texts = new Map<JsonObject, string>();

  of(document: JsonObject): string {
    const known = this.#texts.get(document);
    if (known !== undefined) return known;
    const text = JSON.stringify(document);
    this.#texts.set(document, text);
    return text;
  }
}

function* callRows(calls: readonly PlacedCall[], json: DocumentText): Generator<Cell[]> {
  for (const { id, uniqueId, row } of calls) {
    yield [
      id,
      uniqueId,
      row.linkedid,
      row.mongo_id,
      row.enterprise_id,
      row.token,
      timestamp(row.start_time),
      timestamp(row.end_time),
      row.duration,
      row.phone_number,
      row.trunk,
      row.main_extension,
      row.extensions_count,
      row.call_type,
      row.call_status,
      row.asterisk_host,
      `[${row.raw_data.map((document) => json.of(document)).join(",")}]`,
      JSON.stringify(row.extra_data),
      "migrated",
      "final",
    ];
  }
}

function* participantRows(calls: readonly PlacedCall[]): Generator<Cell[]> {
  for (const { id, row } of calls) {
    for (const one of row.participants) {
      yield [
        id,
        one.extension,
        one.participant_status,
        one.ring_order,
        one.ring_duration,
        timestamp(one.dial_start),
        timestamp(one.answer_time),
        timestamp(one.hangup_time),
        one.extension_info === null ? null : JSON.stringify(one.extension_info),
        one.disconnect_reason,
      ];
    }
  }
}

/** History owes nobody a message: no needs, processed. */
function* eventRows(calls: readonly PlacedCall[], json: DocumentText): Generator<Cell[]> {
  for (const { id, uniqueId, row } of calls) {
    for (const step of row.steps) {
      yield [
        id,
        uniqueId,
        step.event_type,
        step.event_sequence,
        timestamp(step.event_timestamp),
        "migrated",
        true,
        false,
        false,
        false,
        false,
        json.of(step.raw_data),
        row.linkedid,
        step.nth,
      ];
    }
  }
}
