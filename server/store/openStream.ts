import type { Pool } from "pg";

/** The stream of this UUID, made for the site when nobody has it yet. It may turn out to be another site's. */
export async function openStream(pool: Pool, uuid: string, siteId: number): Promise<{ id: number; siteId: number }> {
  await pool.query("INSERT INTO streams (uuid, site_id) VALUES ($1, $2) ON CONFLICT (uuid) DO NOTHING", [uuid, siteId]);
  const { rows } = await pool.query<{ id: number; siteId: number }>(
    `SELECT id::float8 AS id, site_id AS "siteId" FROM streams WHERE uuid = $1`,
    [uuid],
  );
  return rows[0]!;
}
