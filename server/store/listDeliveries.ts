import type { Pool } from "pg";
import { ADD_JOB } from "./deliveryJobs.ts";

export interface DeliveryRow {
  id: number;
  enterprise_id: string;
  channel: string;
  target: string;
  unique_id: string | null;
  event_type: string;
  state: string;
  attempts: number;
  created_at: Date;
  next_attempt_at: Date | null;
  done_at: Date | null;
  last_error: string | null;
}

/** The newest deliveries, all or of one state, newest first. */
export async function listDeliveries(pool: Pool, state: string | undefined, countMax: number): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<DeliveryRow>(
    `SELECT id::float8 AS id, enterprise_id, channel, target, unique_id, event_type, state, attempts, created_at,
       next_attempt_at, done_at, last_error
     FROM deliveries WHERE $1::text IS NULL OR state = $1 ORDER BY deliveries.id DESC LIMIT $2`,
    [state ?? null, countMax],
  );
  return rows;
}

/** Sends dead deliveries again, one or (null) all, with a day of retries before them. Returns how many there were. */
export async function retryDeliveries(pool: Pool, id: number | null): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `WITH again AS (
       UPDATE deliveries SET state = 'waiting', retry_since = now(), next_attempt_at = NULL, done_at = NULL
       WHERE state = 'given_up' AND call_id IS NOT NULL AND ($1::bigint IS NULL OR id = $1) RETURNING *),
     reopened AS (
       UPDATE call_events e SET processed = FALSE FROM again d
       WHERE e.call_id = d.call_id AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)),
     closed AS (
       DELETE FROM delivery_circuits c USING again d
       WHERE (c.enterprise_id, c.channel, c.target) = (d.enterprise_id, d.channel, d.target)),
     jobs AS (SELECT ${ADD_JOB} FROM (SELECT DISTINCT enterprise_id, channel, target, call_id FROM again) o)
     SELECT (SELECT count(*) FROM again)::int AS count, (SELECT count(*) FROM jobs) AS jobs`,
    [id],
  );
  return rows[0]?.count ?? 0;
}

export interface DeliveryCount {
  channel: string;
  state: string;
  count: number;
  oldestSeconds: number;
}

/** How many wait and how many were given up, and the age of the oldest. What was sent is not counted: there may be millions. */
export async function countDeliveries(pool: Pool): Promise<DeliveryCount[]> {
  const count = (state: string) => `
    SELECT channel, state, count(*)::int AS count, extract(epoch FROM now() - min(created_at))::float8 AS "oldestSeconds"
    FROM deliveries WHERE state = '${state}' GROUP BY channel, state`;
  const { rows } = await pool.query<DeliveryCount>(`${count("waiting")} UNION ALL ${count("given_up")}`);
  return rows;
}
