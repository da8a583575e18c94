import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { clearChats } from "../../store/telegram/chatCircuit.ts";
import { takeSlot } from "../../store/telegram/takeSlot.ts";
import { moveChat } from "../../store/telegram/telegramSettings.ts";
import type { Account } from "./accounts.ts";
import { sendCard, type Shown } from "./api.ts";
import { type Failure, readFailure } from "./failure.ts";
import { fill, escapeHtml } from "./html.ts";
import { paceOf, TELEGRAM_LIMITS } from "./limits.ts";
import type { ChatSettings } from "./settings.ts";
import { CARD_WORDS } from "./words/words.ts";

/** What came of a test message. */
export interface ChatTrial {
  name: string;
  chat: string;
  thread: number | null;
  failure: Failure | null;
}

export interface BotTrial {
  /** The bot's @name; null: it could not be asked. */
  bot: string | null;
  /** Where another program takes the bot's updates. */
  webhook: string | null;
  chats: ChatTrial[];
}

/** Sends a test message to each chat; one that works again is no longer set aside. */
export async function tryChats(pool: Pool, account: Account): Promise<BotTrial> {
  const { api, settings } = account;
  try {
    const { username } = await api.getMe();
    const { url } = await api.getWebhookInfo().catch((): { url?: string } => ({}));
    const chats: ChatTrial[] = [];
    for (const chat of settings.chats) chats.push(await tryChat(pool, account, chat));
    return { bot: username, webhook: url === undefined || url === "" ? null : url, chats };
  } catch (error) {
    const failure = readFailure(error);
    return { bot: null, webhook: null, chats: settings.chats.map((chat) => trial(chat, failure)) };
  }
}

async function tryChat(pool: Pool, account: Account, chat: ChatSettings): Promise<ChatTrial> {
  const { enterpriseId } = account;
  const answer = await send(pool, account, chat);
  if (answer.kind === "moved") {
    await moveChat(pool, enterpriseId, chat.chat, answer.chat);
    return tryChat(pool, account, { ...chat, chat: answer.chat });
  }
  if (answer.kind !== "shown") return trial(chat, answer);
  await clearChats(pool, enterpriseId, chat.name);
  return trial(chat, null);
}

async function send(
  pool: Pool,
  { api, bot, settings, enterpriseId }: Account,
  chat: ChatSettings,
): Promise<Shown | Failure> {
  for (;;) {
    const waitMs = await takeSlot(pool, { bot, chat: chat.chat }, paceOf(chat.chat));
    if (waitMs === null) break;
    await sleep(Math.min(waitMs, TELEGRAM_LIMITS.lookAgainMs));
  }
  const text = fill(CARD_WORDS[settings.language].test, { who: escapeHtml(enterpriseId) });
  return sendCard(api, chat, { text, button: null }, { cardId: 0, quiet: chat.silent });
}

function trial({ name, chat, thread }: ChatSettings, failure: Failure | null): ChatTrial {
  return { name, chat, thread, failure };
}
