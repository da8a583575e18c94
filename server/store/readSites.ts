import type { ClientBase, Pool } from "pg";
import type { SiteRow } from "./findSite.ts";

/** Sites with what their enterprises say; revoked ones too, for their calls stay. */
export async function readSites(client: ClientBase | Pool, siteIds: number[]): Promise<Omit<SiteRow, "keyHashes">[]> {
  const { rows } = await client.query<Omit<SiteRow, "keyHashes">>(
    `SELECT s.id, s.enterprise_id AS "enterpriseId", e.token, s.host,
            coalesce(s.clock_skew_ms, 0)::float8 AS "clockSkewMs", e.timezone, e.extensions, e.trunks, e.settings
     FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE s.id = ANY($1::int[])`,
    [siteIds],
  );
  return rows;
}
