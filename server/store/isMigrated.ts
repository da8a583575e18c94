import { readdir } from "node:fs/promises";
import type { Pool } from "pg";

const MIGRATIONS = new URL("../../migrations/", import.meta.url);

/** True when every migration of this version has run in the database. */
export async function isMigrated(pool: Pool): Promise<boolean> {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql"));
  const wanted = files.map((name) => name.replace(/\.sql$/, ""));
  const { rows } = await pool.query<{ there: boolean }>("SELECT to_regclass('pgmigrations') IS NOT NULL AS there");
  if (rows[0]?.there !== true) return false;
  const ran = await pool.query("SELECT FROM pgmigrations WHERE name = ANY($1::text[])", [wanted]);
  return ran.rowCount === wanted.length;
}
