import type { Pool } from "pg";
import { hashSiteKey, makeSiteKey, siteOfKey } from "../ingest/site-key.ts";
import { inTransaction } from "./transaction.ts";

/** `key` is null when the one presented is not being rotated out. */
export type Renewed = { key: string | null } | { refused: true };

/**
 * Gives an agent the successor of its own key while that one still works but is being rotated out. Asked again (the
 * answer was lost on the way), it gives another and withdraws the one nobody got. `onlyLook`: tells whether it is good.
 */
export function renewSiteKey(pool: Pool, presented: string, onlyLook = false): Promise<Renewed> {
  return inTransaction(pool, async (client): Promise<Renewed> => {
    const site = siteOfKey(presented);
    if (site === undefined) return { refused: true };
    const found = await client.query<{ id: string; rotating: boolean }>(
      `SELECT k.id, k.expires_at IS NOT NULL AS rotating FROM site_keys k JOIN sites s ON s.id = k.site_id
       WHERE k.site_id = $1 AND k.key_hash = $2 AND k.revoked_at IS NULL AND s.revoked_at IS NULL
         AND (k.expires_at IS NULL OR k.expires_at > now())
       FOR UPDATE OF k`,
      [site, hashSiteKey(presented)],
    );
    const current = found.rows[0];
    if (current === undefined) return { refused: true };
    if (!current.rotating || onlyLook) return { key: null };
    await client.query("UPDATE site_keys SET revoked_at = now() WHERE replaces = $1 AND revoked_at IS NULL", [
      current.id,
    ]);
    const { key, hash } = makeSiteKey(site);
    await client.query("INSERT INTO site_keys (site_id, key_hash, replaces) VALUES ($1, $2, $3)", [
      site,
      hash,
      current.id,
    ]);
    return { key };
  });
}
