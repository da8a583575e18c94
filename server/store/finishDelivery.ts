import type { Pool } from "pg";
import { inTransaction } from "./transaction.ts";

export interface Finish {
  id: number;
  state: "sent" | "given_up";
  error: string | null;
}

/**
 * Closes a delivery and keeps its step's flags true: integration_sent once every receiver has it, processed once nothing waits.
 * The step is locked first, as ingest does, so that of two receivers that finish together the second sees the first.
 */
export async function finishDelivery(pool: Pool, { id, state, error }: Finish): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(`SELECT FROM call_events e ${OF_DELIVERY} FOR UPDATE OF e`, [id]);
    await client.query(
      `UPDATE deliveries SET state = $2, last_error = $3, done_at = now(), claimed_until = NULL, next_attempt_at = NULL
       WHERE id = $1 AND state = 'waiting'`,
      [id, state, error],
    );
    await client.query(`UPDATE call_events e SET ${FLAGS} ${FROM_DELIVERY}`, [id]);
  });
}

/** Ids of what has waited too long at endpoints that fail, and nobody is sending; `countMax` at most. */
export async function findExpiredDeliveries(pool: Pool, ageMsMax: number, countMax: number): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>(
    `SELECT d.id::float8 AS id FROM deliveries d JOIN delivery_circuits c USING (enterprise_id, channel, target)
     WHERE d.state = 'waiting' AND c.open_until IS NOT NULL
       AND d.retry_since < now() - make_interval(secs => $1::float8 / 1000)
       AND (d.claimed_until IS NULL OR d.claimed_until < now()) LIMIT $2`,
    [ageMsMax, countMax],
  );
  return rows.map(({ id }) => id);
}

const SAME_STEP = `e.call_id = d.call_id AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)`;
const OF_DELIVERY = `JOIN deliveries d ON ${SAME_STEP} WHERE d.id = $1`;
const FROM_DELIVERY = `FROM deliveries d WHERE d.id = $1 AND ${SAME_STEP}`;
const OTHERS = `SELECT FROM deliveries o
  WHERE (o.site_id, o.leg, o.event_type, o.nth) = (d.site_id, d.leg, d.event_type, d.nth)`;

/** From `e` (the step) and `d` (one of its deliveries): as its deliveries stand now. */
const FLAGS = `
  integration_sent = NOT EXISTS (${OTHERS} AND o.channel = 'webhook' AND o.state <> 'sent'),
  processed = (NOT e.needs_telegram OR e.telegram_sent) AND NOT EXISTS (${OTHERS} AND o.state = 'waiting')`;
