import type { Pool } from "pg";

export interface ListedSite {
  site: number;
  enterprise_id: string;
  timezone: string;
  host: string;
  name: string;
  created_at: Date;
  revoked_at: Date | null;
  last_seen: Date | null;
  /** Keys that are accepted now. */
  keys: number;
}

/** Every site, revoked ones included, by id. */
export async function listSites(pool: Pool): Promise<ListedSite[]> {
  const { rows } = await pool.query<ListedSite>(
    `SELECT s.id AS site, s.enterprise_id, e.timezone, s.host, s.name, s.created_at, s.revoked_at, s.last_seen,
            (SELECT count(*)::int FROM site_keys k
             WHERE k.site_id = s.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())) AS keys
     FROM sites s JOIN enterprises e ON e.id = s.enterprise_id ORDER BY s.id`,
  );
  return rows;
}
