import type { ClientBase } from "pg";
import type { Enterprise } from "./enterprises.ts";

export interface EnterpriseSettings extends Enterprise {
  /** What decides who is told, and names of extensions (docs/settings.md). */
  settings: Record<string, unknown>;
}

/** An enterprise with its settings, locked until the transaction ends; undefined when there is none. */
export async function lockEnterprise(client: ClientBase, id: string): Promise<EnterpriseSettings | undefined> {
  const { rows } = await client.query<EnterpriseSettings>(`${SELECT} WHERE id = $1 FOR UPDATE`, [id]);
  return rows[0];
}

/** All of them, or those of the ids, by id. */
export async function readEnterpriseSettings(
  client: ClientBase,
  ids: readonly string[],
): Promise<EnterpriseSettings[]> {
  const { rows } = await client.query<EnterpriseSettings>(
    `${SELECT} WHERE cardinality($1::text[]) = 0 OR id = ANY($1) ORDER BY id`,
    [ids],
  );
  return rows;
}

/** Running servers take them within seconds. With other settings for Telegram, chats that were set aside are tried again. */
export async function writeEnterpriseSettings(
  client: ClientBase,
  id: string,
  settings: Record<string, unknown>,
): Promise<void> {
  await client.query(
    `DELETE FROM delivery_circuits c USING enterprises e WHERE e.id = $1 AND c.enterprise_id = e.id AND c.channel = 'telegram'
       AND e.settings -> 'telegram' IS DISTINCT FROM $2::jsonb -> 'telegram'`,
    [id, JSON.stringify(settings)],
  );
  await client.query("UPDATE enterprises SET settings = $2, updated_at = CURRENT_TIMESTAMP WHERE id = $1", [
    id,
    JSON.stringify(settings),
  ]);
}

const SELECT = "SELECT id, name, token, timezone, extensions, trunks, settings FROM enterprises";
