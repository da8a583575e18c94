import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { AssembledCall, Participant, Step } from "../../server/assemble/index.ts";

const FINAL_MS_MAX = 15_000;

/** A call as its rows tell it, in the assembler's own shape so that both are judged by the same comparison. */
export type StoredCall = AssembledCall & { id: number };

interface CallRow {
  id: string;
  linkedid: string;
  call: Omit<AssembledCall, "participants" | "steps" | "linkedid">;
  participants: Participant[];
  steps: Step[];
}

const CALLS = `
  SELECT c.id, c.linkedid,
    jsonb_build_object('keys', (SELECT coalesce(jsonb_agg(linkedid), '[]') FROM call_links WHERE call_id = c.id),
      'callType', call_type, 'callStatus', call_status, 'phoneNumber', phone_number, 'trunk', trunk,
      'mainExtension', main_extension, 'extensionsCount', extensions_count,
      'startTime', extract(epoch FROM start_time) * 1000, 'endTime', extract(epoch FROM end_time) * 1000,
      'durationSeconds', duration, 'dataSource', data_source, 'extra', coalesce(extra_data, '{}'),
      'ended', state = 'final', 'proof', '[]'::jsonb, 'eventCount', event_count, 'truncated', false) AS call,
    coalesce((SELECT jsonb_agg(jsonb_build_object('extension', extension, 'status', participant_status,
        'ringOrder', ring_order, 'ringDurationSeconds', ring_duration,
        'dialStart', extract(epoch FROM dial_start) * 1000, 'answerTime', extract(epoch FROM answer_time) * 1000,
        'hangupTime', extract(epoch FROM hangup_time) * 1000, 'disconnectReason', disconnect_reason,
        'info', coalesce(extension_info, '{}')) ORDER BY ring_order, id)
      FROM call_participants WHERE call_id = c.id), '[]') AS participants,
    coalesce((SELECT jsonb_agg(jsonb_build_object('key', jsonb_build_object('leg', leg, 'type', event_type, 'nth', nth),
        'sequence', event_sequence, 'at', extract(epoch FROM event_timestamp) * 1000, 'origin', data_source,
        'event', raw_data) ORDER BY event_sequence)
      FROM call_events WHERE call_id = c.id), '[]') AS steps
  FROM calls c WHERE c.site_id = $1 AND c.id > $2 ORDER BY c.start_time, c.id`;

/** The calls a site got after the one with id `after`. */
export async function storedCalls(pool: Pool, site: number, after: number): Promise<StoredCall[]> {
  const { rows } = await pool.query<CallRow>(CALLS, [site, after]);
  return rows.map(({ id, linkedid, call, participants, steps }) => {
    return { ...call, id: Number(id), linkedid, participants, steps };
  });
}

/** Waits until these Linkedids are known and no call of the site is open; gives up silently: the comparison tells what is missing. */
export async function untilStored(pool: Pool, site: number, linkedids: readonly string[]): Promise<void> {
  const until = Date.now() + FINAL_MS_MAX;
  while (Date.now() < until) {
    const { rows } = await pool.query<{ known: string; open: string }>(
      `SELECT (SELECT count(*) FROM call_links WHERE site_id = $1 AND linkedid = ANY($2)) AS known,
         (SELECT count(*) FROM calls WHERE site_id = $1 AND state <> 'final') AS open`,
      [site, linkedids],
    );
    if (Number(rows[0]?.known) === new Set(linkedids).size && Number(rows[0]?.open) === 0) return;
    await sleep(100);
  }
}

/** Of these Linkedids, those no call of the site ever had. */
export async function unknownLinkedids(pool: Pool, site: number, linkedids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ linkedid: string }>(
    "SELECT linkedid FROM call_links WHERE site_id = $1 AND linkedid = ANY($2)",
    [site, linkedids],
  );
  const known = new Set(rows.map(({ linkedid }) => linkedid));
  return linkedids.filter((linkedid) => !known.has(linkedid));
}
