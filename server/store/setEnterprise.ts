import type { ClientBase, Pool } from "pg";
import type { Enterprise } from "./enterprises.ts";

/** Changes only the settings given. Returns the customer as it is now, or undefined when there is no such customer. */
export async function setEnterprise(
  db: Pool | ClientBase,
  id: string,
  change: Partial<Omit<Enterprise, "id">>,
): Promise<Enterprise | undefined> {
  const { rows } = await db.query<Enterprise>(
    `UPDATE enterprises SET
       name = coalesce($2, name), token = coalesce($3, token), timezone = coalesce($4, timezone),
       extensions = CASE WHEN $5 THEN $6 ELSE extensions END, trunks = coalesce($7, trunks),
       updated_at = CURRENT_TIMESTAMP
     WHERE id = $1
     RETURNING id, name, token, timezone, extensions, trunks`,
    [
      id,
      change.name,
      change.token,
      change.timezone,
      change.extensions !== undefined,
      change.extensions ?? null,
      change.trunks,
    ],
  );
  return rows[0];
}
