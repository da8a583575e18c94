import type { Pool } from "pg";
import { inTransaction } from "./transaction.ts";

/** One of `enterprises.settings.integrations`; `secret` is sealed. */
export interface StoredIntegration {
  name: string;
  url?: string;
  events?: string[];
  secret?: string;
  allow_private?: boolean;
}

/** Changes an enterprise's integrations under its lock; false when there is no such enterprise. */
export async function changeIntegrations(
  pool: Pool,
  enterpriseId: string,
  change: (before: readonly StoredIntegration[]) => StoredIntegration[],
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ integrations: StoredIntegration[] | null }>(
      "SELECT settings -> 'integrations' AS integrations FROM enterprises WHERE id = $1 FOR UPDATE",
      [enterpriseId],
    );
    if (rows[0] === undefined) return false;
    await client.query(
      `UPDATE enterprises SET settings = jsonb_set(settings, '{integrations}', $2), updated_at = CURRENT_TIMESTAMP WHERE id = $1`,
      [enterpriseId, JSON.stringify(change(rows[0].integrations ?? []))],
    );
    return true;
  });
}
