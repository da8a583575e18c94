import { Api } from "grammy";
import type { Card } from "./card.ts";
import { type Failure, readFailure } from "./failure.ts";

/** The Bot API for a token. Errors never show the token. */
export function openApi(token: string, apiRoot: string, requestMsMax: number): Api {
  return new Api(token, { apiRoot, timeoutSeconds: Math.ceil(requestMsMax / 1000), sensitiveLogs: false });
}

/** A bot's id: what stands before the colon of its token. */
export function botOf(token: string): string {
  return token.split(":")[0] ?? "";
}

export interface Place {
  chat: string;
  thread: number | null;
}

/** The message is there, and where. */
export interface Shown {
  kind: "shown";
  chat: string;
  messageId: number;
}

/** Sends a new message. */
export async function sendCard(
  api: Api,
  { chat, thread }: Place,
  card: Card,
  { cardId, quiet }: { cardId: number; quiet: boolean },
): Promise<Shown | Failure> {
  try {
    const sent = await api.sendMessage(chat, card.text, {
      ...asShown(card, cardId),
      ...(thread === null ? {} : { message_thread_id: thread }),
      disable_notification: quiet,
    });
    return { kind: "shown", chat: String(sent.chat.id), messageId: sent.message_id };
  } catch (error) {
    return readFailure(error);
  }
}

/** Changes a message; that it was so already is as good. */
export async function editCard(
  api: Api,
  { chat, messageId }: { chat: string; messageId: number },
  card: Card,
  cardId: number,
): Promise<Shown | Failure> {
  try {
    await api.editMessageText(chat, messageId, card.text, asShown(card, cardId));
  } catch (error) {
    const failure = readFailure(error);
    if (failure.kind !== "unchanged") return failure;
  }
  return { kind: "shown", chat, messageId };
}

const HANDLED = /^handled:(\d{1,15})$/;

/** The id of the card whose button sent this; undefined when it is none of ours. */
export function cardOfButton(data: string | undefined): number | undefined {
  const id = HANDLED.exec(data ?? "")?.[1];
  return id === undefined ? undefined : Number(id);
}

function asShown({ button }: Card, cardId: number) {
  const keyboard = button === null ? [] : [[{ text: button, callback_data: `handled:${cardId}` }]];
  return {
    parse_mode: "HTML",
    link_preview_options: { is_disabled: true },
    ...(button === null ? {} : { reply_markup: { inline_keyboard: keyboard } }),
  } as const;
}
