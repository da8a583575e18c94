import type { Pool } from "pg";
import { messageOf } from "../../../shared/errors.ts";
import type { Logger } from "../../../shared/log.ts";
import { BotLocks } from "../../store/telegram/botLocks.ts";
import { listTelegram } from "../../store/telegram/telegramSettings.ts";
import type { Account, Accounts } from "./accounts.ts";
import { openApi } from "./api.ts";
import { type Bot, takeUpdate } from "./buttons.ts";
import { TELEGRAM_LIMITS } from "./limits.ts";
import { poll } from "./poll.ts";

export interface ListenersOptions {
  pool: Pool;
  log: Logger;
  accounts: Accounts;
  apiRoot: string;
}

interface Listener {
  bot: Bot;
  /** Another token of the same bot is another listener. */
  token: string;
  stop: AbortController;
  over: Promise<void>;
}

/** Listens to every bot for pressed buttons, each on one server at a time. Returns how to stop. */
export function startListeners(options: ListenersOptions): () => Promise<void> {
  const listeners = new Map<string, Listener>();
  const locks = new BotLocks(options.pool, () => {
    for (const { stop } of listeners.values()) stop.abort();
    listeners.clear();
  });
  let looking = Promise.resolve();
  const look = (): void => {
    looking = looking
      .then(() => lookOnce(options, locks, listeners))
      .catch((error: unknown) =>
        options.log.warn({ error: messageOf(error) }, "the bots' buttons were not looked after; the next round does"),
      );
  };
  const timer = setInterval(look, TELEGRAM_LIMITS.botsLookMs);
  look();
  return async () => {
    clearInterval(timer);
    await looking;
    const all = [...listeners.values()];
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ over }) => over));
    await locks.close();
  };
}

async function lookOnce(options: ListenersOptions, locks: BotLocks, listeners: Map<string, Listener>): Promise<void> {
  const bots = await readBots(options);
  for (const [id, { token, stop, over }] of listeners) {
    if (bots.get(id)?.[0]?.token === token) continue;
    listeners.delete(id);
    stop.abort();
    await over;
    await locks.leave(id);
  }
  for (const [id, accounts] of bots) {
    const known = listeners.get(id);
    if (known !== undefined) known.bot = { ...known.bot, accounts };
    else if (await locks.take(id)) listeners.set(id, listen(options, accounts));
  }
}

/** By the bot's id; an enterprise whose token cannot be opened here is left to others. */
async function readBots({ pool, accounts }: ListenersOptions): Promise<Map<string, Account[]>> {
  const open = (await listTelegram(pool)).flatMap((row) => {
    try {
      return accounts.open(row) ?? [];
    } catch {
      return [];
    }
  });
  return Map.groupBy(open, ({ bot }) => bot);
}

function listen({ pool, log, apiRoot }: ListenersOptions, accounts: readonly Account[]): Listener {
  const [{ token, bot: id, api }] = accounts as [Account];
  const stop = new AbortController();
  const patient = openApi(token, apiRoot, (TELEGRAM_LIMITS.pollSeconds + 10) * 1000);
  let told = "";
  const listener: Listener = { bot: { api, accounts }, token, stop, over: Promise.resolve() };
  listener.over = poll(
    {
      api: patient,
      take: (update) => takeUpdate(pool, listener.bot, update),
      onFailure: (error) => {
        if (error !== told) log.warn({ bot: id, error }, "the bot's buttons cannot be heard; tried again");
        told = error;
      },
    },
    stop.signal,
  );
  return listener;
}
