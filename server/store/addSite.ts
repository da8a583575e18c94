import type { Pool } from "pg";
import { makeSiteKey } from "../ingest/site-key.ts";
import { inTransaction } from "./transaction.ts";

export interface NewSite {
  enterpriseId: string;
  /** The PBX's address, as in calls.asterisk_host. */
  host: string;
  name: string;
}

export type AddedSite =
  | { site: number; key: string }
  | { refused: "no_enterprise" }
  | { refused: "host_taken"; site: number };

/** Adds a site with its first key. The key is returned this once; only its hash is stored. */
export function addSite(pool: Pool, { enterpriseId, host, name }: NewSite): Promise<AddedSite> {
  return inTransaction(pool, async (client): Promise<AddedSite> => {
    const enterprise = await client.query("SELECT 1 FROM enterprises WHERE id = $1 FOR UPDATE", [enterpriseId]);
    if (enterprise.rowCount === 0) return { refused: "no_enterprise" };
    const taken = await client.query<{ id: number }>(
      "SELECT id FROM sites WHERE enterprise_id = $1 AND host = $2 AND revoked_at IS NULL",
      [enterpriseId, host],
    );
    if (taken.rows[0]) return { refused: "host_taken", site: taken.rows[0].id };
    const added = await client.query<{ id: number }>(
      "INSERT INTO sites (enterprise_id, host, name) VALUES ($1, $2, $3) RETURNING id",
      [enterpriseId, host, name],
    );
    const site = added.rows[0]?.id ?? 0;
    const { key, hash } = makeSiteKey(site);
    await client.query("INSERT INTO site_keys (site_id, key_hash) VALUES ($1, $2)", [site, hash]);
    return { site, key };
  });
}
