import type { Pool } from "pg";
import type { StoredTelegram } from "../../deliver/telegram/settings.ts";
import { lockEnterprise, writeEnterpriseSettings } from "../enterpriseSettings.ts";
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

/** A group became a supergroup: its new id takes the place of the old one. */
export async function moveChat(pool: Pool, id: string, from: string, to: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    const settings = (await lockEnterprise(client, id))?.settings;
    const telegram = settings?.["telegram"] as StoredTelegram | undefined;
    if (settings === undefined || telegram?.chats === undefined) return;
    const chats = telegram.chats.map((chat) => (String(chat.chat) === from ? { ...chat, chat: to } : chat));
    await writeEnterpriseSettings(client, id, { ...settings, telegram: { ...telegram, chats } });
  });
}
