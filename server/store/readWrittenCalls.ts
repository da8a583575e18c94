import type { ClientBase } from "pg";
import type { CallRow } from "./writeCalls.ts";
import type { ParticipantRow } from "./writeParticipants.ts";
import type { StepRow } from "./writeSteps.ts";

/** A call with all that hangs on it, as the tables have it now. */
export interface WrittenCall {
  id: number;
  uniqueId: string;
  row: CallRow;
  /** Whether its events are kept with it (calls.raw_data). */
  kept: boolean;
  participants: ParticipantRow[];
  /** `sent`: somebody was told of it. */
  steps: (StepRow & { sent: boolean })[];
}

/** Calls by id as written. */
export async function readWrittenCalls(client: ClientBase, callIds: number[]): Promise<Map<number, WrittenCall>> {
  if (callIds.length === 0) return new Map();
  const calls = await client.query<CallRow & { id: number; uniqueId: string; kept: boolean }>(CALLS, [callIds]);
  const participants = await client.query<ParticipantRow>(PARTICIPANTS, [callIds]);
  const steps = await client.query<StepRow & { sent: boolean }>(STEPS, [callIds]);
  const participantsOf = Map.groupBy(participants.rows, ({ callId }) => callId);
  const stepsOf = Map.groupBy(steps.rows, ({ callId }) => callId);
  return new Map(
    calls.rows.map(({ id, uniqueId, kept, ...row }) => [
      id,
      { id, uniqueId, kept, row, participants: participantsOf.get(id) ?? [], steps: stepsOf.get(id) ?? [] },
    ]),
  );
}

const CALLS = `
  SELECT id::float8 AS id, unique_id AS "uniqueId", site_id AS "siteId", linkedid, enterprise_id AS "enterpriseId", token,
    asterisk_host AS "asteriskHost", (extract(epoch FROM start_time) * 1000)::float8 AS "startTime",
    (extract(epoch FROM end_time) * 1000)::float8 AS "endTime", duration, phone_number AS "phoneNumber", trunk,
    main_extension AS "mainExtension", extensions_count AS "extensionsCount", call_type AS "callType",
    call_status AS "callStatus", data_source AS "dataSource", extra_data AS "extraData", state, incomplete,
    event_count AS "eventCount", proof, first_stream::float8 AS "firstStream", first_seq::float8 AS "firstSeq",
    (extract(epoch FROM received_timestamp) * 1000)::float8 AS "receivedAt",
    coalesce(jsonb_typeof(raw_data) = 'array', FALSE) AS kept
  FROM calls WHERE id = ANY($1::bigint[])`;

const PARTICIPANTS = `
  SELECT call_id::float8 AS "callId", extension, participant_status AS status, ring_order AS "ringOrder",
    ring_duration AS "ringDuration", (extract(epoch FROM dial_start) * 1000)::float8 AS "dialStart",
    (extract(epoch FROM answer_time) * 1000)::float8 AS "answerTime",
    (extract(epoch FROM hangup_time) * 1000)::float8 AS "hangupTime", disconnect_reason AS "disconnectReason",
    extension_info AS info
  FROM call_participants WHERE call_id = ANY($1::bigint[]) ORDER BY call_id, ring_order, id`;

const STEPS = `
  SELECT call_id::float8 AS "callId", unique_id AS "uniqueId", site_id AS "siteId", leg, event_type AS type, nth,
    event_sequence AS sequence, (extract(epoch FROM event_timestamp) * 1000)::float8 AS at, data_source AS "dataSource",
    raw_data AS raw,
    telegram_sent OR integration_sent OR EXISTS (
      SELECT FROM deliveries d WHERE (d.site_id, d.leg, d.event_type, d.nth) = (e.site_id, e.leg, e.event_type, e.nth)
        AND d.attempts > 0) AS sent
  FROM call_events e WHERE call_id = ANY($1::bigint[]) AND leg IS NOT NULL ORDER BY call_id, event_sequence, id`;
