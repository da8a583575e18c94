import type { Pool } from "pg";

export interface ListedSite {
  site: number;
  enterprise_id: string;
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
    `SELECT id AS site, enterprise_id, host, name, created_at, revoked_at, last_seen,
            (SELECT count(*)::int FROM site_keys k
             WHERE k.site_id = s.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())) AS keys
     FROM sites s ORDER BY id`,
  );
  return rows;
}
