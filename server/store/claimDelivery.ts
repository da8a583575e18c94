import type { Pool } from "pg";
import { type DeliveryKey, stillWaits } from "./deliveryJobs.ts";

/** A delivery that is being sent by whoever holds this. */
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
  /** Since it was owed, and since it is tried again for a day at most. By the database's clock. */
  ageMs: number;
  retriedMs: number;
  /** A later step of the call waits for the same target. */
  newerWaits: boolean;
  /** Nobody else is told of this step. */
  only: boolean;
  /** Failures of the target in a row. */
  targetFailures: number;
}

/** `nothing`: none waits, or somebody else is sending it and will go on. `later`, `closed`: not before that time (epoch ms). */
export type Claim =
  | { kind: "claimed"; delivery: ClaimedDelivery }
  | { kind: "nothing" }
  | { kind: "later"; at: number }
  | { kind: "closed"; until: number };

export interface ClaimLimits {
  claimMsMax: number;
  /** Failures in a row that open a target's circuit. */
  failuresMax: number;
  /** When this server began, epoch ms; what was owed before may be in doubt for at most `doubtMsMax`. */
  startedAt: number;
  doubtMsMax: number;
}

type Row = { [Field in keyof ClaimedDelivery]: ClaimedDelivery[Field] | null } & {
  later: number | null;
  closed: boolean;
  until: number | null;
};

/**
 * Claims the oldest waiting delivery of the call to the target when it is due, nobody else is sending it, and the target's
 * circuit is closed or `isProbe`.
 */
export async function claimDelivery(
  pool: Pool,
  { enterpriseId, channel, target, callId }: DeliveryKey,
  { claimMsMax, failuresMax, startedAt, doubtMsMax }: ClaimLimits,
  isProbe = false,
): Promise<Claim> {
  const { rows } = await pool.query<Row>({
    name: "claim_delivery",
    text: CLAIM,
    values: [
      callId,
      enterpriseId,
      channel,
      target,
      claimMsMax,
      isProbe ? 2_147_483_647 : failuresMax,
      startedAt,
      doubtMsMax,
    ],
  });
  const row = rows[0];
  if (row === undefined) return { kind: "nothing" };
  if (row.id !== null) return { kind: "claimed", delivery: row as ClaimedDelivery };
  if (row.later !== null) return { kind: "later", at: row.later };
  return row.closed ? { kind: "closed", until: row.until ?? 0 } : { kind: "nothing" };
}

/**
 * What was owed before PostgreSQL or this server began waits until the site's agent was heard: only it knows whether the
 * database was put back to an older copy, and then this may have been sent already.
 */
const CLAIM = `
WITH begun AS (
  SELECT greatest(pg_postmaster_start_time(), to_timestamp($7::float8 / 1000)) AS at),
next AS (
  SELECT d.id, CASE WHEN d.created_at < begun.at AND coalesce(s.last_seen, '-infinity') < begun.at
      AND now() < begun.at + make_interval(secs => $8::float8 / 1000)
    THEN greatest(d.next_attempt_at, now() + interval '1 second') ELSE d.next_attempt_at END AS next_attempt_at
  FROM deliveries d LEFT JOIN sites s ON s.id = d.site_id, begun
  WHERE d.call_id = $1 AND d.channel = $3 AND d.target = $4 AND ${stillWaits("d")} ORDER BY d.id LIMIT 1),
circuit AS (
  SELECT failures, failures >= $6 AS closed, (extract(epoch FROM open_until) * 1000)::float8 AS until
  FROM delivery_circuits WHERE enterprise_id = $2 AND channel = $3 AND target = $4),
claimed AS (
  UPDATE deliveries d SET attempts = attempts + 1, claimed_until = now() + make_interval(secs => $5::float8 / 1000)
  FROM next WHERE d.id = next.id AND ${stillWaits("d")} AND (d.claimed_until IS NULL OR d.claimed_until < now())
    AND (next.next_attempt_at IS NULL OR next.next_attempt_at <= now()) AND NOT EXISTS (SELECT FROM circuit WHERE closed)
  RETURNING d.*)
SELECT d.id::float8 AS id, d.site_id AS "siteId", d.leg, d.event_type AS type, d.nth, d.unique_id AS "uniqueId", d.merged,
  d.attempts, (extract(epoch FROM now() - d.created_at) * 1000)::float8 AS "ageMs",
  (extract(epoch FROM now() - d.retry_since) * 1000)::float8 AS "retriedMs",
  EXISTS (SELECT FROM deliveries n WHERE n.call_id = $1 AND n.channel = $3 AND n.target = $4 AND ${stillWaits("n")}
    AND n.id > d.id) AS "newerWaits",
  NOT EXISTS (SELECT FROM deliveries o WHERE (o.site_id, o.leg, o.event_type, o.nth) =
    (d.site_id, d.leg, d.event_type, d.nth) AND o.id <> d.id) AS only,
  coalesce(c.failures, 0) AS "targetFailures", coalesce(c.closed, FALSE) AS closed, c.until,
  CASE WHEN next.next_attempt_at > now() THEN (extract(epoch FROM next.next_attempt_at) * 1000)::float8 END AS later
FROM next LEFT JOIN claimed d ON TRUE LEFT JOIN circuit c ON TRUE`;

/** Puts a delivery off. */
export async function postponeDelivery(pool: Pool, id: number, delayMs: number, error: string): Promise<void> {
  await pool.query(
    `UPDATE deliveries SET next_attempt_at = now() + make_interval(secs => $2::float8 / 1000), claimed_until = NULL,
       last_error = $3
     WHERE id = $1 AND state = 'waiting'`,
    [id, delayMs, error],
  );
}
