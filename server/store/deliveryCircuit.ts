import type { Pool } from "pg";
import type { DeliveryKey } from "./deliveryJobs.ts";

type Endpoint = Pick<DeliveryKey, "enterpriseId" | "channel" | "target">;

/** When the pause is over one caller is let through (true), and the pause begins anew for the others. */
export async function probeTarget(
  pool: Pool,
  { enterpriseId, channel, target }: Endpoint,
  openMs: number,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE delivery_circuits SET open_until = now() + make_interval(secs => $4::float8 / 1000)
     WHERE enterprise_id = $1 AND channel = $2 AND target = $3 AND (open_until IS NULL OR open_until <= now())`,
    [enterpriseId, channel, target, openMs],
  );
  return rowCount === 1;
}

/** Closes the circuit. */
export async function noteSuccess(pool: Pool, { enterpriseId, channel, target }: Endpoint): Promise<void> {
  await pool.query("DELETE FROM delivery_circuits WHERE enterprise_id = $1 AND channel = $2 AND target = $3", [
    enterpriseId,
    channel,
    target,
  ]);
}

/** Enough failures in a row open the circuit. */
export async function noteFailure(
  pool: Pool,
  { enterpriseId, channel, target }: Endpoint,
  { failuresMax, openMs }: { failuresMax: number; openMs: number },
): Promise<void> {
  await pool.query(
    `INSERT INTO delivery_circuits AS c (enterprise_id, channel, target, failures) VALUES ($1, $2, $3, 1)
     ON CONFLICT (enterprise_id, channel, target) DO UPDATE SET failures = c.failures + 1,
       open_until = CASE WHEN c.failures + 1 >= $4 THEN now() + make_interval(secs => $5::float8 / 1000) END`,
    [enterpriseId, channel, target, failuresMax, openMs],
  );
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
