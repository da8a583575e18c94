import type { Pool } from "pg";

export interface DeliveryRetention {
  /** Those that were sent or superseded are kept so long after they were owed. */
  doneDays: number;
  /** Those that were given up. */
  deadDays: number;
}

/**
 * Deletes up to `countMax` old deliveries above `afterId`, oldest first, for ids grow with time. Returns where to go on;
 * undefined when the next ones are too young.
 */
export async function deleteDeliveries(
  pool: Pool,
  { doneDays, deadDays }: DeliveryRetention,
  afterId: number,
  countMax: number,
): Promise<number | undefined> {
  const { rows } = await pool.query<{ last: number | null }>(
    `WITH oldest AS (
       SELECT id, state, created_at FROM deliveries WHERE id > $1 ORDER BY id LIMIT $2),
     old AS (SELECT * FROM oldest WHERE created_at < now() - make_interval(days => $3)),
     gone AS (
       DELETE FROM deliveries WHERE id IN (
         SELECT id FROM old WHERE state IN ('sent', 'superseded')
           OR (state = 'given_up' AND created_at < now() - make_interval(days => $4))))
     SELECT max(id)::float8 AS last FROM old`,
    [afterId, countMax, doneDays, deadDays],
  );
  return rows[0]?.last ?? undefined;
}
