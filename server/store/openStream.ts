import type { Pool } from "pg";
import type { StreamKind } from "./readStreams.ts";

/** The stream of this UUID, made for the site when nobody has it yet. It may turn out to be another site's. */
export async function openStream(
  pool: Pool,
  uuid: string,
  siteId: number,
  kind: StreamKind,
): Promise<{ id: number; siteId: number }> {
  await pool.query("INSERT INTO streams (uuid, site_id, kind) VALUES ($1, $2, $3) ON CONFLICT (uuid) DO NOTHING", [
    uuid,
    siteId,
    kind,
  ]);
  const { rows } = await pool.query<{ id: number; siteId: number }>(
    `SELECT id::float8 AS id, site_id AS "siteId" FROM streams WHERE uuid = $1`,
    [uuid],
  );
  return rows[0]!;
}
