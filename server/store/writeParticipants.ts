import type { ClientBase } from "pg";

/** A row of call_participants; times in epoch ms. */
export interface ParticipantRow {
  callId: number;
  extension: string;
  status: string;
  ringOrder: number;
  ringDuration: number | null;
  dialStart: number | null;
  answerTime: number | null;
  hangupTime: number | null;
  disconnectReason: string | null;
  info: Record<string, unknown>;
}

const RECORD = `"callId" bigint, extension text, status text, "ringOrder" int, "ringDuration" int, "dialStart" float8,
  "answerTime" float8, "hangupTime" float8, "disconnectReason" text, info jsonb`;

/** Returns the new ids, by call and place in the ring order. */
export async function insertParticipants(
  client: ClientBase,
  rows: ParticipantRow[],
): Promise<{ id: number; callId: number; ringOrder: number }[]> {
  if (rows.length === 0) return [];
  const inserted = await client.query<{ id: number; callId: number; ringOrder: number }>({
    name: "insert_participants",
    text: `INSERT INTO call_participants (call_id, extension, participant_status, ring_order, ring_duration, dial_start,
             answer_time, hangup_time, disconnect_reason, extension_info)
           SELECT "callId", extension, status, "ringOrder", "ringDuration", to_timestamp("dialStart" / 1000),
             to_timestamp("answerTime" / 1000), to_timestamp("hangupTime" / 1000), "disconnectReason", info
           FROM json_to_recordset($1) AS r (${RECORD}) ORDER BY "callId", "ringOrder"
           RETURNING id::float8 AS id, call_id::float8 AS "callId", ring_order AS "ringOrder"`,
    values: [JSON.stringify(rows)],
  });
  return inserted.rows;
}

export async function updateParticipants(client: ClientBase, rows: (ParticipantRow & { id: number })[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "update_participants",
    text: `UPDATE call_participants p SET extension = r.extension, participant_status = r.status,
             ring_duration = "ringDuration", dial_start = to_timestamp("dialStart" / 1000),
             answer_time = to_timestamp("answerTime" / 1000), hangup_time = to_timestamp("hangupTime" / 1000),
             disconnect_reason = "disconnectReason", extension_info = info
           FROM json_to_recordset($1) AS r (id bigint, ${RECORD}) WHERE p.id = r.id`,
    values: [JSON.stringify(rows)],
  });
}

export async function deleteParticipants(client: ClientBase, ids: number[]): Promise<void> {
  if (ids.length > 0) await client.query("DELETE FROM call_participants WHERE id = ANY($1::bigint[])", [ids]);
}
