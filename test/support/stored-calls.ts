import type { Pool } from "pg";
import type { AssembledCall } from "../../server/assemble/index.ts";

/** How ids and times in the tables lead back to those of the capture. */
export interface Origin {
  id(stored: string): string | undefined;
  /** Added to every time when the capture was played. */
  shiftMs: number;
}

const AS_CAPTURED: Origin = { id: (stored) => stored, shiftMs: 0 };

interface Row {
  call: Omit<AssembledCall, "keys" | "proof">;
  participants: AssembledCall["participants"];
  steps: AssembledCall["steps"];
}

/** A site's calls as PostgreSQL has them, in the shape assembly gives, to be held against the truth. */
export async function storedCalls(pool: Pool, siteId: number, origin: Origin = AS_CAPTURED): Promise<AssembledCall[]> {
  const { rows } = await pool.query<Row>(ROWS, [siteId]);
  return rows.flatMap(({ call, participants, steps }) => {
    const linkedid = origin.id(call.linkedid);
    if (linkedid === undefined) return [];
    const at = (ms: number | null) => (ms === null ? null : ms - origin.shiftMs);
    return [
      {
        ...call,
        linkedid,
        keys: [],
        proof: [],
        startTime: at(call.startTime) ?? 0,
        endTime: at(call.endTime),
        participants: participants.map((one) => ({
          ...one,
          dialStart: at(one.dialStart),
          answerTime: at(one.answerTime),
          hangupTime: at(one.hangupTime),
        })),
        steps: steps.map((step) => ({ ...step, at: step.at - origin.shiftMs })),
      },
    ];
  });
}

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

const ROWS = `
  SELECT jsonb_build_object('linkedid', linkedid, 'callType', call_type, 'callStatus', call_status,
      'phoneNumber', phone_number, 'trunk', trunk, 'mainExtension', main_extension, 'extensionsCount', extensions_count,
      'startTime', ${ms("start_time")}, 'endTime', ${ms("end_time")}, 'durationSeconds', duration,
      'dataSource', data_source, 'extra', extra_data, 'ended', state = 'final', 'eventCount', event_count,
      'truncated', FALSE) AS call,
    coalesce((SELECT jsonb_agg(jsonb_build_object('extension', extension, 'status', participant_status,
        'ringOrder', ring_order, 'ringDurationSeconds', ring_duration, 'dialStart', ${ms("dial_start")},
        'answerTime', ${ms("answer_time")}, 'hangupTime', ${ms("hangup_time")}, 'disconnectReason', disconnect_reason,
        'info', extension_info) ORDER BY ring_order, id)
      FROM call_participants WHERE call_id = c.id), '[]') AS participants,
    coalesce((SELECT jsonb_agg(jsonb_build_object('key', jsonb_build_object('leg', leg, 'type', event_type, 'nth', nth),
        'sequence', event_sequence, 'at', ${ms("event_timestamp")}, 'origin', data_source, 'event', raw_data)
        ORDER BY event_sequence, id)
      FROM call_events WHERE call_id = c.id), '[]') AS steps
  FROM calls c WHERE site_id = $1 ORDER BY start_time, id`;
