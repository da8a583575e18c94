import type { Pool } from "pg";
import type { StoredTelegram } from "../../deliver/telegram/settings.ts";
import { inTransaction } from "../transaction.ts";

export interface EnterpriseTelegram {
  id: string;
  timezone: string;
  settings: unknown;
}

/** Enterprises with Telegram on, all or (by id) one. */
export async function listTelegram(pool: Pool, id: string | null = null): Promise<EnterpriseTelegram[]> {
  const { rows } = await pool.query<EnterpriseTelegram>(
    `SELECT id, timezone, settings FROM enterprises
     WHERE settings -> 'telegram' ->> 'enabled' = 'true' AND ($1::text IS NULL OR id = $1) ORDER BY id`,
    [id],
  );
  return rows;
}

/** Changes `settings.telegram` under the enterprise's lock; false when there is no such enterprise. */
export async function changeTelegram(
  pool: Pool,
  id: string,
  change: (before: StoredTelegram) => StoredTelegram,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ telegram: StoredTelegram | null }>(
      "SELECT settings -> 'telegram' AS telegram FROM enterprises WHERE id = $1 FOR UPDATE",
      [id],
    );
    if (rows[0] === undefined) return false;
    await client.query(
      "UPDATE enterprises SET settings = jsonb_set(settings, '{telegram}', $2), updated_at = CURRENT_TIMESTAMP WHERE id = $1",
      [id, JSON.stringify(change(rows[0].telegram ?? {}))],
    );
    return true;
  });
}

/** A group became a supergroup: its new id takes the place of the old one. */
export async function moveChat(pool: Pool, id: string, from: string, to: string): Promise<void> {
  await changeTelegram(pool, id, (before) => {
    const chats = before.chats?.map((chat) => (String(chat.chat) === from ? { ...chat, chat: to } : chat));
    return { ...before, ...(chats === undefined ? {} : { chats }) };
  });
}
