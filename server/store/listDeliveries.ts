import type { Pool } from "pg";

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

/** There may be a day of them: so many in a transaction. */
const RETRIED_AT_ONCE = 10_000;

/**
 * Lets dead deliveries wait again, one or (null) all, with a day of retries before them: the servers' next look for what is
 * overdue finds them. Returns how many there were.
 */
export async function retryDeliveries(pool: Pool, id: number | null): Promise<number> {
  let count = 0;
  for (let after: number | null = 0; after !== null;) {
    const again = await retrySome(pool, id, after);
    count += again.count;
    after = again.last;
  }
  return count;
}

/** By id, so that none that dies again meanwhile is taken twice. */
async function retrySome(
  pool: Pool,
  id: number | null,
  after: number,
): Promise<{ count: number; last: number | null }> {
  const { rows } = await pool.query<{ count: number; last: number | null }>(
    `WITH dead AS (
       SELECT id FROM deliveries WHERE state = 'given_up' AND id > $2 AND ($1::bigint IS NULL OR id = $1) ORDER BY id LIMIT $3),
     again AS (
       UPDATE deliveries d SET state = 'waiting', retry_since = now(), next_attempt_at = NULL, done_at = NULL
       FROM dead WHERE d.id = dead.id AND d.state = 'given_up' AND d.call_id IS NOT NULL RETURNING d.*),
     reopened AS (
       UPDATE call_events e SET processed = FALSE FROM again d
       WHERE e.call_id = d.call_id AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)),
     closed AS (
       DELETE FROM delivery_circuits c USING again d
       WHERE (c.enterprise_id, c.channel, c.target) = (d.enterprise_id, d.channel, d.target))
     SELECT (SELECT count(*) FROM again)::int AS count, (SELECT max(id) FROM dead)::float8 AS last`,
    [id, after, RETRIED_AT_ONCE],
  );
  return rows[0]!;
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
