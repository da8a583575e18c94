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

/**
 * A delivery waits, where it is looked for by its call or its id. Said by what it is not: else PostgreSQL reads the index of
 * all that waits, as long as it has no statistics that tell how much that is.
 */
export const stillWaits = (delivery: string): string => `${delivery}.state NOT IN ('sent', 'given_up', 'superseded')`;

/** Names a target among all; its calls share one circuit and one lane. */
export function targetOf({ enterpriseId, channel, target }: Omit<DeliveryKey, "callId">): string {
  return `${channel} ${enterpriseId} ${target}`;
}

/**
 * One job for each call and target in `owed` (enterprise_id, call_id, channel, target), all by one call of the queue: alone each
 * costs a millisecond. In one order, so that transactions do not wait for each other in a circle.
 */
export function addJobs(owed: string, runAt: "now" | `$${number}` = "now"): string {
  return `SELECT count(*) FROM (
      SELECT array_agg(('${DELIVER_TASK}',
        json_build_object('enterpriseId', o.enterprise_id, 'channel', o.channel, 'target', o.target, 'callId', o.call_id),
        NULL, ${runAt === "now" ? "NULL" : `to_timestamp(${runAt}::float8 / 1000)`}, 3,
        concat_ws(':', 'deliver', o.channel, o.enterprise_id, o.target, o.call_id), NULL, NULL)::graphile_worker.job_spec) AS specs
      FROM (SELECT DISTINCT enterprise_id, call_id, channel, target FROM ${owed} ORDER BY call_id, channel, target) o
      HAVING count(*) > 0) jobs
    CROSS JOIN LATERAL graphile_worker.add_jobs(jobs.specs)`;
}

/** Of delivery `d`. */
const TARGET = "d.enterprise_id, d.channel, d.target";

/** Sends this call's deliveries again at `at` (epoch ms). */
export async function addDeliveryJob(client: ClientBase | Pool, key: DeliveryKey, at: number): Promise<void> {
  await client.query(
    addJobs(
      "(SELECT $1::text AS enterprise_id, $2::text AS channel, $3::text AS target, $4::bigint AS call_id) one",
      "$5",
    ),
    [key.enterpriseId, key.channel, key.target, key.callId, at],
  );
}

/**
 * What is due and has lost its job: the server that had it died, or its target was left alone. Of each target the oldest
 * `perTargetMax` calls, each by its oldest delivery, which goes first. Costs what it finds, not what waits.
 */
export async function findDueDeliveries(
  pool: Pool,
  overdueMsMin: number,
  perTargetMax: number,
): Promise<DeliveryKey[]> {
  const { rows } = await pool.query<DeliveryKey>(
    `WITH RECURSIVE targets AS (
       (SELECT ${TARGET} FROM deliveries d WHERE d.state = 'waiting' ORDER BY ${TARGET} LIMIT 1)
       UNION ALL
       SELECT next.* FROM targets t CROSS JOIN LATERAL (
         SELECT ${TARGET} FROM deliveries d
         WHERE d.state = 'waiting' AND (${TARGET}) > (t.enterprise_id, t.channel, t.target) ORDER BY ${TARGET} LIMIT 1) next)
     SELECT t.enterprise_id AS "enterpriseId", t.channel, t.target, due.call_id::float8 AS "callId"
     FROM targets t CROSS JOIN (SELECT now() - make_interval(secs => $1::float8 / 1000) AS at) late
     CROSS JOIN LATERAL (
       SELECT d.call_id FROM deliveries d
       WHERE d.state = 'waiting' AND d.call_id IS NOT NULL AND (${TARGET}) = (t.enterprise_id, t.channel, t.target)
         AND d.created_at < late.at AND coalesce(greatest(d.next_attempt_at, d.claimed_until) < late.at, TRUE)
         AND NOT EXISTS (SELECT FROM deliveries o WHERE o.call_id = d.call_id AND o.channel = d.channel
                           AND o.target = d.target AND ${stillWaits("o")} AND o.id < d.id)
       ORDER BY d.created_at LIMIT $2) due
     WHERE NOT EXISTS (SELECT FROM delivery_circuits c WHERE c.open_until > now()
       AND (c.enterprise_id, c.channel, c.target) = (t.enterprise_id, t.channel, t.target))`,
    [overdueMsMin, perTargetMax],
  );
  return rows;
}
