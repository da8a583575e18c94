import PQueue from "p-queue";
import type { Pool } from "pg";
import { messageOf } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/log.ts";
import type { DeliveryCounts } from "../counts.ts";
import type { Vault } from "../secrets.ts";
import { Accounts } from "./accounts.ts";
import { bringNext } from "./bring.ts";
import type { BringContext } from "./bringing.ts";
import { ChatLines, type ChatName, type Served } from "./chat-lines.ts";
import { TELEGRAM_LIMITS } from "./limits.ts";
import { startListeners } from "./listeners.ts";

export interface TelegramOptions {
  pool: Pool;
  log: Logger;
  vault: Vault;
  /** Where the Bot API is. */
  apiRoot: string;
  now: () => number;
  random: () => number;
  /** When this server began, epoch ms. */
  startedAt: number;
  counts?: DeliveryCounts;
  /** How long the Bot API may take to answer. */
  requestMsMax?: number;
}

export interface Telegram {
  /** Something may wait for this chat of an enterprise. */
  wake(chat: ChatName): void;
  /** Waits for what is being sent. */
  stop(): Promise<void>;
}

/** Brings cards to chats and listens to their buttons, until stopped. Several servers share the work. */
export function startTelegram({ vault, apiRoot, requestMsMax, ...rest }: TelegramOptions): Telegram {
  const { pool, log, now } = rest;
  const accounts = new Accounts({
    pool,
    vault,
    apiRoot,
    now,
    requestMsMax: requestMsMax ?? TELEGRAM_LIMITS.requestMsMax,
  });
  const context: BringContext = { ...rest, accounts, inTurn: turns() };
  const lines = new ChatLines({
    serve: (chat, stop) => serve(context, chat, stop),
    waitMsMax: TELEGRAM_LIMITS.lookAgainMs,
  });
  const stopListening = startListeners({ pool, log, accounts, apiRoot });
  return {
    wake: (chat) => lines.wake(chat),
    async stop() {
      await Promise.all([lines.close(), stopListening()]);
    },
  };
}

async function serve(context: BringContext, chat: ChatName, stop: AbortSignal): Promise<Served> {
  try {
    for (;;) {
      if (stop.aborted) return { waitMs: null };
      const brought = await bringNext(context, chat);
      if (brought !== "again") return brought;
    }
  } catch (error) {
    const { enterpriseId: enterprise, target } = chat;
    context.log.warn({ enterprise, chat: target, error: messageOf(error) }, "a chat was not told; tried again soon");
    return { waitMs: TELEGRAM_LIMITS.interruptedMs };
  }
}

/** At most so many requests of a bot at once, whatever the number of its chats. */
function turns(): BringContext["inTurn"] {
  const queues = new Map<string, PQueue>();
  return (bot, request) => {
    let queue = queues.get(bot);
    if (queue === undefined) {
      queue = new PQueue({ concurrency: TELEGRAM_LIMITS.perBotMax });
      queue.addEventListener("idle", () => queues.delete(bot));
      queues.set(bot, queue);
    }
    return queue.add(request);
  };
}
