import type { Pool } from "pg";
import { makeSiteKey } from "../ingest/site-key.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Gives a site a new key; the old ones stay good for `overlapHours`, so that the agent can be changed without a pause.
 * Returns undefined when there is no such site or it is revoked.
 */
export function rotateSiteKey(
  pool: Pool,
  site: number,
  overlapHours: number,
): Promise<{ site: number; key: string } | undefined> {
  return inTransaction(pool, async (client) => {
    const found = await client.query("SELECT 1 FROM sites WHERE id = $1 AND revoked_at IS NULL FOR UPDATE", [site]);
    if (found.rowCount === 0) return undefined;
    await client.query(
      `UPDATE site_keys SET expires_at = least(expires_at, now() + make_interval(secs => $2 * 3600))
       WHERE site_id = $1 AND revoked_at IS NULL`,
      [site, overlapHours],
    );
    const { key, hash } = makeSiteKey(site);
    await client.query("INSERT INTO site_keys (site_id, key_hash) VALUES ($1, $2)", [site, hash]);
    return { site, key };
  });
}
