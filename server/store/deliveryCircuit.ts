import type { Pool } from "pg";
import type { DeliveryKey } from "./deliveryJobs.ts";

type Endpoint = Pick<DeliveryKey, "enterpriseId" | "channel" | "target">;

/**
 * Whether an endpoint may be tried now: undefined, or epoch ms until when it is left alone. When the pause is over one caller is let
 * through, and the pause begins anew for the others.
 */
export async function circuitOpenUntil(
  pool: Pool,
  { enterpriseId, channel, target }: Endpoint,
  { failuresMax, openMs }: { failuresMax: number; openMs: number },
): Promise<number | undefined> {
  const values = [enterpriseId, channel, target];
  const { rows } = await pool.query<{ at: number | null }>(
    `SELECT (extract(epoch FROM open_until) * 1000)::float8 AS at FROM delivery_circuits
     WHERE enterprise_id = $1 AND channel = $2 AND target = $3 AND failures >= $4`,
    [...values, failuresMax],
  );
  if (rows[0] === undefined) return undefined;
  const probe = await pool.query(
    `UPDATE delivery_circuits SET open_until = now() + make_interval(secs => $4::float8 / 1000)
     WHERE enterprise_id = $1 AND channel = $2 AND target = $3 AND (open_until IS NULL OR open_until <= now())`,
    [...values, openMs],
  );
  return probe.rowCount === 1 ? undefined : (rows[0].at ?? 0);
}

/** A success closes the circuit; enough failures in a row open it. True when it closed one that was open. */
export async function noteAttempt(
  pool: Pool,
  { enterpriseId, channel, target }: Endpoint,
  ok: boolean,
  { failuresMax, openMs }: { failuresMax: number; openMs: number },
): Promise<boolean> {
  const values = [enterpriseId, channel, target];
  if (ok) {
    const { rows } = await pool.query<{ failures: number }>(
      `DELETE FROM delivery_circuits WHERE enterprise_id = $1 AND channel = $2 AND target = $3 RETURNING failures`,
      values,
    );
    return (rows[0]?.failures ?? 0) >= failuresMax;
  }
  await pool.query(
    `INSERT INTO delivery_circuits AS c (enterprise_id, channel, target, failures) VALUES ($1, $2, $3, 1)
     ON CONFLICT (enterprise_id, channel, target) DO UPDATE SET failures = c.failures + 1,
       open_until = CASE WHEN c.failures + 1 >= $4 THEN now() + make_interval(secs => $5::float8 / 1000) END`,
    [...values, failuresMax, openMs],
  );
  return false;
}

/** The target asked to be left alone for a while: nothing goes to it until then. */
export async function pauseTarget(
  pool: Pool,
  { enterpriseId, channel, target }: Endpoint,
  pauseMs: number,
  failuresMax: number,
): Promise<void> {
  await pool.query(
    `INSERT INTO delivery_circuits AS c (enterprise_id, channel, target, failures, open_until)
     VALUES ($1, $2, $3, $5, now() + make_interval(secs => $4::float8 / 1000))
     ON CONFLICT (enterprise_id, channel, target) DO UPDATE SET failures = greatest(c.failures, $5),
       open_until = greatest(c.open_until, excluded.open_until)`,
    [enterpriseId, channel, target, pauseMs, failuresMax],
  );
}
