import type { Api } from "grammy";
import type { Update } from "grammy/types";
import type { Pool } from "pg";
import { clearChats } from "../../store/telegram/chatCircuit.ts";
import { handleCard } from "../../store/telegram/handleCard.ts";
import type { Account } from "./accounts.ts";
import { cardOfButton } from "./api.ts";
import { fill } from "./html.ts";
import { CARD_WORDS } from "./words/words.ts";

/** One bot, and the enterprises that use it. */
export interface Bot {
  api: Api;
  accounts: readonly Account[];
}

/** What the bot asks Telegram to be told of. */
export const ALLOWED_UPDATES = ["callback_query", "my_chat_member"] as const;

const NAME_CHARS_MAX = 64;

/** Takes in what people did: a pressed button, the bot let in again. The same update twice changes nothing. */
export async function takeUpdate(pool: Pool, bot: Bot, update: Update): Promise<void> {
  if (update.callback_query !== undefined) await pressed(pool, bot, update.callback_query);
  if (update.my_chat_member !== undefined) await letIn(pool, bot, update.my_chat_member);
}

async function pressed(
  pool: Pool,
  { api, accounts }: Bot,
  { id, data, message, from }: NonNullable<Update["callback_query"]>,
): Promise<void> {
  const cardId = cardOfButton(data);
  if (cardId === undefined || message === undefined) return;
  const name = [from.first_name, from.last_name].filter(Boolean).join(" ") || (from.username ?? String(from.id));
  const handled = await handleCard(pool, {
    cardId,
    chat: String(message.chat.id),
    messageId: message.message_id,
    by: name.slice(0, NAME_CHARS_MAX).toWellFormed().replaceAll("\u0000", " "),
    enterprises: accounts.map(({ enterpriseId }) => enterpriseId),
  });
  const owner =
    handled.kind === "unknown" ? accounts[0] : accounts.find((one) => one.enterpriseId === handled.enterpriseId);
  const words = CARD_WORDS[owner?.settings.language ?? "en"];
  const text =
    handled.kind === "now"
      ? words.nowHandled
      : handled.kind === "unknown"
        ? words.notThisCard
        : fill(words.alreadyHandled, { who: handled.by });
  // Telegram forgets a press after a while; what it meant is noted anyway.
  await api.answerCallbackQuery(id, { text }).catch(() => undefined);
}

/** A chat that had blocked the bot lets it in: messages go there again. */
async function letIn(
  pool: Pool,
  { accounts }: Bot,
  { chat, new_chat_member: member }: NonNullable<Update["my_chat_member"]>,
): Promise<void> {
  if (member.status !== "member" && member.status !== "administrator") return;
  for (const { enterpriseId, settings } of accounts) {
    for (const { name } of settings.chats.filter((one) => one.chat === String(chat.id))) {
      await clearChats(pool, enterpriseId, name);
    }
  }
}
