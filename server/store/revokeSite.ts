import type { Pool } from "pg";
import { inTransaction } from "./transaction.ts";

/** Refuses a site from now on: all its keys end. Its calls stay. Returns false when there is no such site. */
export function revokeSite(pool: Pool, site: number): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      "UPDATE sites SET revoked_at = coalesce(revoked_at, CURRENT_TIMESTAMP) WHERE id = $1",
      [site],
    );
    await client.query(
      "UPDATE site_keys SET revoked_at = CURRENT_TIMESTAMP WHERE site_id = $1 AND revoked_at IS NULL",
      [site],
    );
    return rowCount === 1;
  });
}
