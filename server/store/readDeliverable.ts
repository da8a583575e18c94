import type { Pool } from "pg";

/** What a receiver is told about (times as ISO 8601 text): a step, its call as it stands now, and the settings of whoever owns it. */
export interface Deliverable {
  settings: unknown;
  step: { at: string; sequence: number | null; dataSource: string };
  call: {
    id: number;
    unique_id: string;
    site: number;
    asterisk_host: string | null;
    state: "running" | "ended" | "final";
    call_type: string;
    call_status: string | null;
    phone_number: string | null;
    trunk: string | null;
    main_extension: string | null;
    extensions_count: number | null;
    start_time: string | null;
    end_time: string | null;
    duration: number | null;
    data_source: string;
    extra_data: Record<string, unknown> | null;
  };
  participants: Record<string, unknown>[];
}

/**
 * The call the delivery belongs to by now: it may have become part of another since. Undefined when the step is no longer told
 * (the call was put together differently before anybody heard of it).
 */
export async function readDeliverable(pool: Pool, deliveryId: number): Promise<Deliverable | undefined> {
  const { rows } = await pool.query<Deliverable>({
    name: "read_deliverable",
    text: `SELECT ent.settings, json_build_object('at', coalesce(e.event_timestamp, c.changed_at), 'sequence', e.event_sequence,
             'dataSource', coalesce(e.data_source, 'live')) AS step,
           json_build_object('id', c.id, 'unique_id', c.unique_id, 'site', c.site_id, 'asterisk_host', c.asterisk_host, 'state', c.state,
             'call_type', c.call_type, 'call_status', c.call_status, 'phone_number', c.phone_number, 'trunk', c.trunk,
             'main_extension', c.main_extension, 'extensions_count', c.extensions_count, 'start_time', c.start_time,
             'end_time', c.end_time, 'duration', c.duration, 'data_source', c.data_source, 'extra_data', c.extra_data) AS call,
           coalesce((SELECT json_agg(json_build_object('extension', p.extension, 'status', p.participant_status,
               'ring_order', p.ring_order, 'ring_duration', p.ring_duration, 'dial_start', p.dial_start,
               'answer_time', p.answer_time, 'hangup_time', p.hangup_time, 'disconnect_reason', p.disconnect_reason)
               ORDER BY p.ring_order)
             FROM call_participants p WHERE p.call_id = c.id), '[]') AS participants
         FROM deliveries d JOIN calls c ON c.id = d.call_id JOIN enterprises ent ON ent.id = c.enterprise_id
         LEFT JOIN call_events e ON e.call_id = c.id
           AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)
         WHERE d.id = $1 AND (e.id IS NOT NULL OR (d.merged AND NOT ${START_UNTOLD}))`,
    values: [deliveryId],
  });
  return rows[0];
}

/** Of the hangup of a merged call (`d`): its start was claimed once and never left. */
const START_UNTOLD = `EXISTS (
  SELECT FROM deliveries s WHERE (s.site_id, s.leg, s.event_type, s.channel, s.target) = (d.site_id, d.leg, 'start', d.channel, d.target)
    AND s.state = 'superseded' AND s.attempts = 1)`;
