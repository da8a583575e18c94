import type { Pool } from "pg";
import type { Enterprise } from "./enterprises.ts";

export interface ListedEnterprise extends Enterprise {
  /** Sites that are not revoked. */
  sites: number;
}

/** Every customer, by id. */
export async function listEnterprises(pool: Pool): Promise<ListedEnterprise[]> {
  const { rows } = await pool.query<ListedEnterprise>(
    `SELECT id, name, token, timezone, extensions, trunks,
            (SELECT count(*)::int FROM sites WHERE enterprise_id = e.id AND revoked_at IS NULL) AS sites
     FROM enterprises e ORDER BY id`,
  );
  return rows;
}
