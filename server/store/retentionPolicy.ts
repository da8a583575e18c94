import type { Pool } from "pg";

/** Days things are kept. */
export interface RetentionPolicy {
  /** The raw log, ami_events. */
  log: number;
  /** Steps of calls that are no hangups. */
  steps: number;
  /** What is noted beside calls: site_markers, downloads, rejected_events, telegram_cards. */
  records: number;
}

export const RETENTION_DEFAULTS: RetentionPolicy = { log: 30, steps: 90, records: 365 };
export const RETENTION_DAYS_MAX = 36_500;

/** One policy for the whole database: what is kept is not kept apart by enterprise. */
export async function readRetention(pool: Pool): Promise<RetentionPolicy> {
  const { rows } = await pool.query<{ what: keyof RetentionPolicy; days: number }>(
    "SELECT what, days FROM retention_days",
  );
  return { ...RETENTION_DEFAULTS, ...Object.fromEntries(rows.map(({ what, days }) => [what, days])) };
}

/** What is undefined stays. */
export async function setRetention(pool: Pool, change: Partial<RetentionPolicy>): Promise<void> {
  const given = Object.entries(change).filter(([, days]) => days !== undefined);
  await pool.query(
    `INSERT INTO retention_days (what, days) SELECT * FROM unnest($1::text[], $2::int[])
     ON CONFLICT (what) DO UPDATE SET days = excluded.days, updated_at = now()`,
    [given.map(([what]) => what), given.map(([, days]) => days)],
  );
}
