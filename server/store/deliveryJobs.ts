import type { ClientBase, Pool } from "pg";

/** The task that sends what is owed to one target about one call. */
export const DELIVER_TASK = "deliver";

/** One target's deliveries about one call. They are sent in the order of their ids. */
export interface DeliveryKey {
  enterpriseId: string;
  channel: string;
  target: string;
  callId: number;
}

/** Names a target among all; its calls share one circuit and one lane. */
export function targetOf({ enterpriseId, channel, target }: Omit<DeliveryKey, "callId">): string {
  return `${channel} ${enterpriseId} ${target}`;
}

/** SELECT list: one job a call and target, from columns enterprise_id, call_id, channel, target of `o`. */
export const ADD_JOB = `graphile_worker.add_job('${DELIVER_TASK}',
  json_build_object('enterpriseId', o.enterprise_id, 'channel', o.channel, 'target', o.target, 'callId', o.call_id),
  max_attempts := 3, job_key := concat_ws(':', 'deliver', o.channel, o.enterprise_id, o.target, o.call_id))`;

/** Sends this call's deliveries again at `at` (epoch ms). */
export async function addDeliveryJob(client: ClientBase | Pool, key: DeliveryKey, at: number): Promise<void> {
  await client.query(
    `SELECT ${ADD_JOB.replace("max_attempts", "run_at := to_timestamp($5::float8 / 1000), max_attempts")}
     FROM (SELECT $1::text AS enterprise_id, $2::text AS channel, $3::text AS target, $4::bigint AS call_id) o`,
    [key.enterpriseId, key.channel, key.target, key.callId, at],
  );
}

/**
 * What is due and has lost its job: the server that had it died, or its target was left alone. Of each target the oldest
 * `perTargetMax` calls.
 */
export async function findDueDeliveries(
  pool: Pool,
  overdueMsMin: number,
  perTargetMax: number,
): Promise<DeliveryKey[]> {
  const { rows } = await pool.query<DeliveryKey>(
    `SELECT t.enterprise_id AS "enterpriseId", t.channel, t.target, d.call_id::float8 AS "callId"
     FROM (SELECT DISTINCT enterprise_id, channel, target FROM deliveries WHERE state = 'waiting') t
     CROSS JOIN LATERAL (
       SELECT call_id FROM deliveries d
       WHERE state = 'waiting' AND call_id IS NOT NULL
         AND (d.enterprise_id, d.channel, d.target) = (t.enterprise_id, t.channel, t.target)
         AND greatest(created_at, next_attempt_at, claimed_until) < now() - make_interval(secs => $1::float8 / 1000)
       GROUP BY call_id ORDER BY min(id) LIMIT $2) d
     WHERE NOT EXISTS (SELECT FROM delivery_circuits c WHERE c.open_until > now()
       AND (c.enterprise_id, c.channel, c.target) = (t.enterprise_id, t.channel, t.target))`,
    [overdueMsMin, perTargetMax],
  );
  return rows;
}
