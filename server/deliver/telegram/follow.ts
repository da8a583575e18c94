import { noteProblem, pauseChat } from "../../store/telegram/chatCircuit.ts";
import { finishCard, releaseCard } from "../../store/telegram/finishCard.ts";
import { moveChat } from "../../store/telegram/telegramSettings.ts";
import type { Bringing, BringContext, Brought } from "./bringing.ts";
import type { Failure } from "./failure.ts";
import { chatDelayMs, TELEGRAM_LIMITS } from "./limits.ts";

/** What is done about a card that could not be brought. */
export async function followFailure(context: BringContext, bringing: Bringing, failure: Failure): Promise<Brought> {
  const dead = failure.kind === "refused" || failure.kind === "bad" || failure.kind === "gone";
  context.counts?.attempt("telegram", dead ? "dead" : "retry");
  switch (failure.kind) {
    case "throttled":
      return pause(context, bringing, failure.error, { ms: failure.retryAfterMs, failed: false });
    case "away":
      return pause(context, bringing, failure.error, {
        ms: backOff(context, bringing),
        failed: true,
        mayBeThere: failure.mayBeThere,
      });
    case "unauthorized":
      return pause(context, bringing, failure.error, {
        ms: TELEGRAM_LIMITS.unauthorizedMs,
        failed: true,
        urgent: true,
      });
    case "refused":
      return setAside(context, bringing, failure.error);
    case "moved":
      return move(context, bringing, failure);
    case "unchanged":
      return end(context, bringing, "sent", null);
    case "gone":
      return end(context, bringing, "superseded", `${failure.error}: the card was taken away in the chat`);
    case "no_topic":
      return leaveTopic(context, bringing, failure.error);
    case "bad":
      return end(context, bringing, "given_up", failure.error);
  }
}

function backOff({ random }: BringContext, { card }: Bringing): number {
  return chatDelayMs(card.failures + 1, random);
}

interface Pause {
  ms: number;
  failed: boolean;
  mayBeThere?: boolean;
  /** Somebody has to see to it, whether it happens again or not. */
  urgent?: boolean;
}

/** The chat is left alone for a while; what was tried for a day is given up. */
async function pause(
  context: BringContext,
  bringing: Bringing,
  error: string,
  { ms, failed, mayBeThere = false, urgent = false }: Pause,
): Promise<Brought> {
  const { pool } = context;
  const { name, card, news } = bringing;
  const problem = urgent || (failed && card.failures > 0) ? error : null;
  await pauseChat(pool, name, { ms, failed, problem });
  const isOld = news.steps.some(({ retrySince }) => news.now - retrySince > TELEGRAM_LIMITS.retryAgeMsMax);
  if (isOld) await end(context, bringing, "given_up", error);
  else await releaseCard(pool, card.id, { ids: card.deliveryIds, error, mayBeThere });
  return { waitMs: ms, paused: true };
}

/** Nothing more goes to this chat until somebody has seen to it. */
async function setAside(context: BringContext, bringing: Bringing, error: string): Promise<Brought> {
  const { name } = bringing;
  context.log.warn({ enterprise: name.enterpriseId, chat: name.target, error }, "a chat refuses the bot: set aside");
  await pauseChat(context.pool, name, { ms: null, failed: true, problem: error });
  return end(context, bringing, "given_up", error);
}

/** The group is a supergroup now; messages of the old one can no longer be changed. */
async function move(
  { pool, log, accounts }: BringContext,
  { name, chat, card, account }: Bringing,
  { chat: to, error }: Extract<Failure, { kind: "moved" }>,
): Promise<Brought> {
  log.info({ enterprise: name.enterpriseId, chat: name.target, from: chat.chat, to }, "a group became a supergroup");
  await moveChat(pool, account.enterpriseId, card.chat ?? chat.chat, to);
  accounts.forget(account.enterpriseId);
  await releaseCard(pool, card.id, { ids: card.deliveryIds, error, forget: true });
  return "again";
}

const TOPIC = "its topic cannot be written to, messages go to the general one";

/** Whether the chat's messages go elsewhere than to the topic they should. */
export function isTopicProblem(problem: string | null): boolean {
  return problem?.startsWith(TOPIC) === true;
}

async function leaveTopic({ pool, log }: BringContext, { name, card }: Bringing, error: string): Promise<Brought> {
  log.warn({ enterprise: name.enterpriseId, chat: name.target, error }, "a topic cannot be written to");
  await noteProblem(pool, name, `${TOPIC}: ${error}`);
  await releaseCard(pool, card.id, { ids: card.deliveryIds, error });
  return "again";
}

async function end(
  { pool }: BringContext,
  { card, news }: Bringing,
  state: "sent" | "superseded" | "given_up",
  error: string | null,
): Promise<Brought> {
  await finishCard(
    pool,
    card.id,
    news.steps.map(({ id }) => ({ id, state, error })),
  );
  return "again";
}
