import type { Pool } from "pg";
import { stillWaits } from "./deliveryJobs.ts";
import { inTransaction, together } from "./transaction.ts";

export interface Finish {
  id: number;
  state: "sent" | "given_up" | "superseded";
  error: string | null;
  /** Nobody else is told of its step: then one statement does it. */
  only?: boolean;
}

/**
 * Closes a delivery and keeps its step's flags true: integration_sent and telegram_sent once every receiver has it, processed
 * once nothing waits. Returns whether more of its call may wait for the same target.
 */
export async function finishDelivery(pool: Pool, finish: Finish): Promise<boolean> {
  if (finish.only === true) return finishOnly(pool, finish);
  await finishOneOfMany(pool, finish);
  return true;
}

/** Delivery, then step: the order in which merging moves them. */
async function finishOnly(pool: Pool, { id, state, error }: Finish): Promise<boolean> {
  const { rows } = await pool.query<{ isDone: boolean; more: boolean }>({
    name: "finish_delivery",
    text: `WITH d AS (UPDATE deliveries SET ${DONE} RETURNING *),
           e AS (
             UPDATE call_events e SET processed = TRUE,
               integration_sent = e.integration_sent OR (d.channel = 'webhook' AND d.state = 'sent'),
               telegram_sent = e.telegram_sent OR (d.channel = 'telegram' AND d.state = 'sent')
             FROM d WHERE ${SAME_STEP} RETURNING 1)
           SELECT EXISTS (SELECT FROM e) AS "isDone", EXISTS (SELECT FROM d JOIN deliveries n ON n.call_id = d.call_id
             AND n.channel = d.channel AND n.target = d.target AND ${stillWaits("n")} AND n.id <> d.id) AS more`,
    values: [id, state, error],
  });
  // Its call became part of another meanwhile; or the step is no more.
  if (rows[0]?.isDone === true) return rows[0].more;
  await pool.query({ ...SET_FLAGS, values: [id] });
  return true;
}

/** The call is locked first, as ingest does: of two receivers that finish together the second sees the first. */
async function finishOneOfMany(pool: Pool, { id, state, error }: Finish): Promise<void> {
  await inTransaction(pool, async (client) => {
    // A call that became part of another meanwhile is gone: then that one.
    for (let left = 2; left > 0 && (await client.query({ ...LOCK_CALL, values: [id] })).rowCount === 0;) left--;
    await together([
      client.query({
        name: "close_delivery",
        text: `UPDATE deliveries SET ${DONE}`,
        values: [id, state, error],
      }),
      client.query({ ...SET_FLAGS, values: [id] }),
    ]);
  });
}

const UNCLAIMED = "(d.claimed_until IS NULL OR d.claimed_until < now())";

/** What has waited too long at targets that fail, or has lost its call, and nobody is sending; `countMax` at most. */
export async function findExpiredDeliveries(
  pool: Pool,
  ageMsMax: number,
  countMax: number,
): Promise<{ id: number; lost: boolean }[]> {
  const { rows } = await pool.query<{ id: number; lost: boolean }>(
    `(SELECT d.id::float8 AS id, TRUE AS lost FROM deliveries d
      WHERE d.state = 'waiting' AND d.call_id IS NULL AND ${UNCLAIMED} LIMIT $2)
     UNION ALL
     (SELECT old.id::float8, FALSE FROM (SELECT now() - make_interval(secs => $1::float8 / 1000) AS at) ago, delivery_circuits c
      CROSS JOIN LATERAL (
        SELECT d.id FROM deliveries d
        WHERE d.state = 'waiting' AND d.call_id IS NOT NULL AND ${UNCLAIMED}
          AND (d.enterprise_id, d.channel, d.target) = (c.enterprise_id, c.channel, c.target)
          AND d.created_at < ago.at AND d.retry_since < ago.at
        ORDER BY d.created_at LIMIT $2) old
      WHERE c.open_until IS NOT NULL LIMIT $2)`,
    [ageMsMax, countMax],
  );
  return rows;
}

const DONE = `state = $2, last_error = $3, done_at = now(), claimed_until = NULL, next_attempt_at = NULL
  WHERE id = $1 AND state = 'waiting'`;
/** `e` is the step of delivery `d`. */
export const SAME_STEP = `e.call_id = d.call_id AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)`;
const OTHERS = `SELECT FROM deliveries o
  WHERE (o.site_id, o.leg, o.event_type, o.nth) = (d.site_id, d.leg, d.event_type, d.nth)`;

/** From `e` (the step) and `d` (one of its deliveries): as its deliveries stand now. */
export const FLAGS = `
  integration_sent = e.needs_integration AND NOT EXISTS (${OTHERS} AND o.channel = 'webhook' AND o.state <> 'sent'),
  telegram_sent = e.needs_telegram AND EXISTS (${OTHERS} AND o.channel = 'telegram')
    AND NOT EXISTS (${OTHERS} AND o.channel = 'telegram' AND o.state <> 'sent'),
  processed = NOT EXISTS (${OTHERS} AND ${stillWaits("o")})`;

const LOCK_CALL = {
  name: "lock_call_of_delivery",
  text: "SELECT FROM calls WHERE id = (SELECT call_id FROM deliveries WHERE id = $1) FOR NO KEY UPDATE",
};
const SET_FLAGS = {
  name: "flag_step_of_delivery",
  text: `UPDATE call_events e SET ${FLAGS} FROM deliveries d WHERE d.id = $1 AND ${SAME_STEP}`,
};
