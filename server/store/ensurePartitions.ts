import type { Pool } from "pg";

/** Makes the partitions that hold this moment (epoch ms), where they are missing. */
export async function ensurePartitions(pool: Pool, atMs: number): Promise<void> {
  const at = atMs / 1000;
  await pool.query("SELECT ensure_ami_events_day(to_timestamp($1))", [at]);
  await pool.query("SELECT ensure_call_events_month(to_timestamp($1))", [at]);
}
