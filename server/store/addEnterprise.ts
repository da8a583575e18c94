import type { ClientBase, Pool } from "pg";
import type { Enterprise } from "./enterprises.ts";

/** Adds a customer. Returns false when the id is taken already; nothing is changed then. */
export async function addEnterprise(db: Pool | ClientBase, enterprise: Enterprise): Promise<boolean> {
  const { id, name, token, timezone, extensions, trunks } = enterprise;
  const { rowCount } = await db.query(
    `INSERT INTO enterprises (id, name, token, timezone, extensions, trunks) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (id) DO NOTHING`,
    [id, name, token, timezone, extensions, trunks],
  );
  return rowCount === 1;
}
