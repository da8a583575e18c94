import type { Pool } from "pg";
import { sameNumber } from "./sameNumber.ts";
import type { CardCall } from "../../deliver/telegram/card-call.ts";

/** What one delivery of a card is about. Times are epoch ms. */
export interface CardStep {
  id: number;
  type: string;
  isLive: boolean;
  /** When it happened, by the PBX; when it was owed, for a step that is none of the call's. */
  at: number;
  createdAt: number;
  retrySince: number;
}

export interface CardNews {
  call: CardCall;
  steps: CardStep[];
  /** By the database's clock, epoch ms: ages are told by it, for the servers' clocks may differ. */
  now: number;
}

/** The call as it stands now, with what a card says of it, and what is to be brought. Undefined: the call is gone. */
export async function readCard(
  pool: Pool,
  callId: number,
  deliveryIds: readonly number[],
  callbackMsMax: number,
): Promise<CardNews | undefined> {
  const { rows } = await pool.query<CardNews>({
    name: "read_card",
    text: `SELECT (SELECT to_jsonb(told) FROM (${CALL}) told) AS call, coalesce((${STEPS}), '[]') AS steps,
             ${ms("now()")} AS now
           FROM calls c JOIN enterprises ent ON ent.id = c.enterprise_id WHERE c.id = $1`,
    values: [callId, deliveryIds, callbackMsMax],
  });
  return rows[0];
}

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** Other calls with this number in the enterprise; several of its sites share their clients. */
const SAME_NUMBER = `o.enterprise_id = c.enterprise_id AND ${sameNumber("o.phone_number", "c.phone_number")}`;

const CALL = `
  SELECT c.id::float8 AS id, c.unique_id AS "uniqueId", c.call_type AS "callType", c.state = 'final' AS final,
    c.call_status AS status, c.phone_number AS "phoneNumber", c.main_extension AS "mainExtension",
    ${ms("c.start_time")} AS "startedAt", ${ms("c.end_time")} - coalesce((SELECT s.clock_skew_ms FROM sites s WHERE s.id = c.site_id), 0) AS "endedAt", coalesce(c.extra_data, '{}') AS extra,
    coalesce((
      SELECT jsonb_agg(jsonb_build_object('extension', p.extension, 'status', p.participant_status,
        'present', p.hangup_time IS NULL, 'reason', p.disconnect_reason) ORDER BY p.ring_order)
      FROM call_participants p WHERE p.call_id = c.id), '[]') AS participants,
    CASE WHEN c.call_type = 'incoming' AND c.phone_number IS NOT NULL THEN (
      SELECT count(*) FROM calls o WHERE ${SAME_NUMBER} AND o.call_type = 'incoming'
        AND o.start_time >= date_trunc('day', c.start_time, ent.timezone) AND (o.start_time, o.id) <= (c.start_time, c.id)
      ) END AS "nthToday",
    (SELECT o.main_extension FROM calls o WHERE ${SAME_NUMBER} AND o.call_status = 'answered'
       AND o.main_extension IS NOT NULL AND o.start_time < c.start_time AND o.id <> c.id
       AND o.start_time > c.start_time - interval '90 days'
     ORDER BY o.start_time DESC LIMIT 1) AS "lastAnsweredBy",
    (SELECT jsonb_build_object('outgoing', o.call_type = 'outgoing', 'by', o.main_extension, 'at', ${ms("o.start_time")})
     FROM calls o WHERE ${SAME_NUMBER} AND o.call_status = 'answered' AND o.id <> c.id AND c.call_status <> 'answered'
       AND o.start_time >= c.start_time AND o.start_time <= c.end_time + $3::float8 * interval '1 ms'
     ORDER BY o.start_time LIMIT 1) AS callback,
    (SELECT jsonb_build_object('by', k.handled_by, 'at', ${ms("k.handled_at")})
     FROM telegram_cards k WHERE k.call_id = c.id AND k.handled_at IS NOT NULL ORDER BY k.handled_at LIMIT 1) AS handled`;

const STEPS = `
  SELECT jsonb_agg(jsonb_build_object('id', d.id, 'type', d.event_type, 'isLive', coalesce(e.data_source, 'live') = 'live',
    'at', ${ms("coalesce(e.event_timestamp, d.created_at)")}, 'createdAt', ${ms("d.created_at")},
    'retrySince', ${ms("d.retry_since")}) ORDER BY d.id)
  FROM deliveries d LEFT JOIN call_events e
    ON e.call_id = c.id AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)
  WHERE d.id = ANY ($2::bigint[])`;
