import type { Pool } from "pg";

export interface GapCount {
  site: number;
  enterprise: string;
  cause: string;
  count: number;
}

/** How many gaps of each site nothing has filled, by cause. */
export async function countUnrepairedGaps(pool: Pool): Promise<GapCount[]> {
  const { rows } = await pool.query<GapCount>(
    `SELECT g.site_id AS site, s.enterprise_id AS enterprise, g.cause, count(*)::int AS count
     FROM gaps g JOIN sites s ON s.id = g.site_id WHERE g.repaired_at IS NULL AND s.revoked_at IS NULL GROUP BY 1, 2, 3`,
  );
  return rows;
}
