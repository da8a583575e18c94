import type { Pool } from "pg";
import type { DeliveryKey } from "./deliveryJobs.ts";

/** A delivery that is being sent by whoever holds this. Times in epoch ms. */
export interface ClaimedDelivery {
  id: number;
  siteId: number;
  leg: string;
  type: string;
  nth: number;
  uniqueId: string | null;
  merged: boolean;
  /** This one included. */
  attempts: number;
  retrySince: number;
}

/** The oldest waiting delivery of the call to the target, when it is due and nobody else is sending it. */
export async function claimDelivery(
  pool: Pool,
  { channel, target, callId }: DeliveryKey,
  claimMsMax: number,
): Promise<ClaimedDelivery | undefined> {
  const { rows } = await pool.query<ClaimedDelivery>({
    name: "claim_delivery",
    text: `UPDATE deliveries d SET attempts = attempts + 1, claimed_until = now() + make_interval(secs => $4::float8 / 1000)
           WHERE id = (SELECT min(id) FROM deliveries
                       WHERE call_id = $1 AND channel = $2 AND target = $3 AND state = 'waiting')
             AND state = 'waiting' AND (claimed_until IS NULL OR claimed_until < now())
             AND (next_attempt_at IS NULL OR next_attempt_at <= now())
           RETURNING id::float8 AS id, site_id AS "siteId", leg, event_type AS type, nth, unique_id AS "uniqueId", merged,
             attempts, (extract(epoch FROM retry_since) * 1000)::float8 AS "retrySince"`,
    values: [callId, channel, target, claimMsMax],
  });
  return rows[0];
}

/** When the call's oldest waiting delivery to the target may be tried (epoch ms); undefined when none waits. */
export async function nextDeliveryAt(
  pool: Pool,
  { channel, target, callId }: DeliveryKey,
): Promise<number | undefined> {
  const { rows } = await pool.query<{ at: number }>(
    `SELECT (extract(epoch FROM greatest(next_attempt_at, claimed_until, now())) * 1000)::float8 AS at FROM deliveries
     WHERE call_id = $1 AND channel = $2 AND target = $3 AND state = 'waiting' ORDER BY id LIMIT 1`,
    [callId, channel, target],
  );
  return rows[0]?.at;
}

/** Puts a delivery off until `at` (epoch ms). */
export async function postponeDelivery(pool: Pool, id: number, at: number, error: string): Promise<void> {
  await pool.query(
    `UPDATE deliveries SET next_attempt_at = to_timestamp($2::float8 / 1000), claimed_until = NULL, last_error = $3
     WHERE id = $1 AND state = 'waiting'`,
    [id, at, error],
  );
}
