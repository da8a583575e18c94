import type { Pool } from "pg";

/** A site with what its enterprise says, and its keys that are valid now. */
export interface SiteRow {
  id: number;
  enterpriseId: string;
  token: string;
  host: string;
  /** Its clock minus ours, as far as is known. */
  clockSkewMs: number;
  timezone: string;
  extensions: string | null;
  trunks: string[];
  settings: unknown;
  keyHashes: Buffer[];
}

/** Undefined when there is no such site or it is revoked. */
export async function findSite(pool: Pool, siteId: number): Promise<SiteRow | undefined> {
  const { rows } = await pool.query<SiteRow>(
    `SELECT s.id, s.enterprise_id AS "enterpriseId", e.token, s.host,
            coalesce(s.clock_skew_ms, 0)::float8 AS "clockSkewMs", e.timezone, e.extensions, e.trunks, e.settings,
            array(SELECT key_hash FROM site_keys k WHERE k.site_id = s.id AND k.revoked_at IS NULL
                    AND (k.expires_at IS NULL OR k.expires_at > now())) AS "keyHashes"
     FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
     WHERE s.id = $1 AND s.revoked_at IS NULL`,
    [siteId],
  );
  return rows[0];
}
