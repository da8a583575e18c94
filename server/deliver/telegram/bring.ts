import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, RingpostError } from "../../../shared/errors.ts";
import { claimCard, type ClaimedCard } from "../../store/telegram/claimCard.ts";
import { clearChats, pauseChat } from "../../store/telegram/chatCircuit.ts";
import { type CardEnd, finishCard, giveUpChat, saveMessage } from "../../store/telegram/finishCard.ts";
import { moveSlot, returnSlot } from "../../store/telegram/takeSlot.ts";
import { readCard } from "../../store/telegram/readCard.ts";
import { DELIVERY_LIMITS } from "../limits.ts";
import type { Account } from "./accounts.ts";
import { editCard, sendCard, type Shown } from "./api.ts";
import { type Card, drawCard, drawJoined } from "./card.ts";
import type { ChatName } from "./chat-lines.ts";
import type { Failure } from "./failure.ts";
import { followFailure, isTopicProblem } from "./follow.ts";
import { paceOf, scattered, TELEGRAM_LIMITS } from "./limits.ts";
import { endsOf, judge, type Verdict } from "./verdict.ts";
import type { BringContext, Bringing, Brought } from "./bringing.ts";

/** Brings the most urgent card of a chat to what its call is now. */
export async function bringNext(context: BringContext, name: ChatName): Promise<Brought> {
  const { pool, startedAt } = context;
  const account = await accountOf(context, name);
  if (account === "unreadable") return { waitMs: TELEGRAM_LIMITS.unauthorizedMs, paused: true };
  const chat = account?.settings.chats.find((one) => one.name === name.target);
  if (account === undefined || chat === undefined)
    return dropChat(context, name, "the enterprise has no such chat any more");
  const limits = {
    claimMsMax: TELEGRAM_LIMITS.claimMsMax,
    freshMsMax: TELEGRAM_LIMITS.freshMsMax,
    doubtMsMax: DELIVERY_LIMITS.doubtMsMax,
    startedAt,
  };
  const key = { ...name, bot: account.bot, chat: chat.chat };
  const before = context.now();
  const claim = await claimCard(pool, key, scattered(paceOf(chat.chat), context.random), limits);
  if (claim.kind === "idle") return { waitMs: null };
  if (claim.kind === "again") return "again";
  if (claim.kind === "wait") return { waitMs: claim.ms, paused: claim.paused };
  if (claim.kind === "refused") return dropChat(context, name, claim.problem);
  const { card } = claim;
  const news = await readCard(pool, card.callId, card.deliveryIds, account.settings.callbackMsMax);
  if (news === undefined) return "again";
  return bring(context, { name, account, chat, card, news, claimedAt: before, readAt: context.now() });
}

/** Without the key of its token nothing goes to the chat: it waits, and says so. */
async function accountOf(
  { pool, accounts }: BringContext,
  name: ChatName,
): Promise<Account | undefined | "unreadable"> {
  try {
    return await accounts.get(name.enterpriseId);
  } catch (error) {
    if (!(error instanceof RingpostError)) throw error;
    const ms = TELEGRAM_LIMITS.unauthorizedMs;
    await pauseChat(pool, name, { ms, failed: true, problem: error.message });
    return "unreadable";
  }
}

async function dropChat({ pool }: BringContext, name: ChatName, why: string): Promise<Brought> {
  const dropped = await giveUpChat(pool, name, why, TELEGRAM_LIMITS.givenUpMax);
  return dropped === TELEGRAM_LIMITS.givenUpMax ? "again" : { waitMs: null };
}

async function bring(context: BringContext, bringing: Bringing): Promise<Brought> {
  const { account, card, news } = bringing;
  const drawn = card.mergedLeg === "" ? drawCard(news.call, account.style) : drawJoined(news.call, account.style);
  const shown = createHash("sha256").update(JSON.stringify(drawn)).digest("base64url");
  const verdict = verdictOf(context, bringing);
  const slot = { bot: account.bot, chat: bringing.chat.chat };
  if (verdict.do === "none") {
    const { state, why } = verdict;
    await returnSlot(context.pool, slot);
    return finish(
      context,
      bringing,
      news.steps.map(({ id }) => ({ id, state, error: why })),
    );
  }
  if (verdict.do === "edit" && card.shown === shown) {
    await returnSlot(context.pool, slot);
    return finish(context, bringing);
  }
  let slotAt = bringing.readAt;
  const answer = await context.inTurn(account.bot, async () => {
    const isLate = context.now() - bringing.claimedAt > TELEGRAM_LIMITS.slotLateMsMax;
    if (isLate) {
      await moveSlot(context.pool, slot);
      slotAt = context.now();
    }
    return request(bringing, drawn, verdict);
  });
  if (answer.kind !== "shown") return followFailure(context, bringing, answer);
  count(context, bringing);
  await note(context, card, { ...answer, shown });
  if (card.failures > 0) await clearChats(context.pool, account.enterpriseId, bringing.name.target);
  await finish(context, bringing);
  // Until then the database would only say that it is too soon.
  const restMs = slotAt + paceOf(bringing.chat.chat).gapMs - context.now();
  return { waitMs: Math.max(restMs, 0), paused: true, idle: !card.more };
}

function verdictOf({ log }: BringContext, { account, chat, card, news }: Bringing): Verdict {
  const { settings, downloadedAgeMsMax, enterpriseId } = account;
  const hasMessage = card.messageId !== null;
  if (card.attempts > 1 && !hasMessage) {
    log.info({ enterprise: enterpriseId, call: card.callId }, "a card is sent again: it may be in the chat twice");
  }
  const { call, steps, now } = news;
  const { lateMsMax } = settings;
  return judge({ call, steps, hasMessage, now, lateMsMax, downloadedAgeMsMax, silent: chat.silent });
}

function request(
  { account: { api }, chat, card }: Bringing,
  drawn: Card,
  verdict: Exclude<Verdict, { do: "none" }>,
): Promise<Shown | Failure> {
  const { id, messageId } = card;
  if (verdict.do === "edit" && messageId !== null) {
    return editCard(api, { chat: card.chat ?? chat.chat, messageId }, drawn, id);
  }
  const quiet = verdict.do === "send" && verdict.quiet;
  // A topic that is closed or gone: the group's general one is better than none.
  const place = isTopicProblem(card.problem) ? { ...chat, thread: null } : chat;
  return sendCard(api, place, drawn, { cardId: id, quiet });
}

/** The message is noted before anything else, whatever it takes: a card without a message is sent again. */
async function note({ pool, log }: BringContext, card: ClaimedCard, at: Shown & { shown: string }): Promise<void> {
  for (let waited = 0; ; waited += TELEGRAM_LIMITS.noteRetryMs) {
    try {
      return await saveMessage(pool, card.id, at);
    } catch (error) {
      if (waited >= TELEGRAM_LIMITS.noteMsMax) throw error;
      log.warn({ error: messageOf(error), card: card.id }, "a message was sent and could not be noted yet");
      await sleep(TELEGRAM_LIMITS.noteRetryMs);
    }
  }
}

function count({ counts, now }: BringContext, { card, news, claimedAt }: Bringing): void {
  counts?.attempt("telegram", "sent");
  const newest = news.steps.at(-1);
  // What was tried before tells of the outage, not of how fast we are.
  if (newest !== undefined && card.failures === 0)
    counts?.sent("telegram", Math.max(news.now - newest.createdAt + now() - claimedAt, 0) / 1000);
}

async function finish(
  { pool }: BringContext,
  { card, news }: Bringing,
  ends: readonly CardEnd[] = endsOf(news.call, news.steps, news.now),
): Promise<Brought> {
  await finishCard(pool, card.id, ends);
  return "again";
}
