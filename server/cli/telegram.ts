import type { Command } from "commander";
import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import { vaultOf } from "../deliver/secrets.ts";
import { type Account, Accounts } from "../deliver/telegram/accounts.ts";
import type { Failure } from "../deliver/telegram/failure.ts";
import { TELEGRAM_LIMITS } from "../deliver/telegram/limits.ts";
import { type BotTrial, type ChatTrial, tryChats } from "../deliver/telegram/try-chats.ts";
import { readTelegramApi } from "../settings.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { oneLine } from "./print.ts";

export function telegramCommands(program: Command, context: Context): void {
  const { say } = context;
  const group = program.command("telegram").description(say.aboutTelegram);
  group
    .command("test")
    .description(say.aboutTelegramTest)
    .argument("<id>", say.argEnterprise, parsers(say).enterpriseId)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["telegram test 0367"]))
    .action((id: string, _: unknown, command: Command) =>
      withPool(context, command, (pool) => onTest(context, pool, id, wantsJson(command))),
    );
}

async function onTest({ io, say }: Context, pool: Pool, id: string, json: boolean): Promise<void> {
  const account = await accountOf({ io, say }, pool, id);
  const trial = await tryChats(pool, account);
  const failed = trial.chats.filter(({ failure }) => failure !== null).length;
  if (json) io.out(JSON.stringify(asJson(id, trial, say)));
  else for (const line of told(trial, say)) io.out(line);
  if (failed > 0) throw new Refused(say.telegramFailed(failed, trial.chats.length));
}

async function accountOf({ io, say }: Context, pool: Pool, id: string): Promise<Account> {
  const accounts = new Accounts({
    pool,
    vault: vaultOf(io.env),
    apiRoot: readTelegramApi(io.env),
    requestMsMax: TELEGRAM_LIMITS.requestMsMax,
    now: () => io.now().getTime(),
  });
  const account = await accounts.get(id).catch((error: unknown) => {
    throw new Refused(messageOf(error));
  });
  if (account === undefined) throw new Refused(say.telegramOff(id));
  return account;
}

function told({ bot, webhook, chats }: BotTrial, say: Messages): string[] {
  return [
    ...(bot === null ? [] : [say.telegramBot(bot)]),
    ...(webhook === null ? [] : [oneLine(say.telegramWebhook(webhook))]),
    ...chats.flatMap((trial) => {
      const said = oneLine(`${trial.name} ${placeOf(trial)}: ${errorOf(trial.failure) ?? say.telegramTold}`);
      return trial.failure === null ? [said] : [said, `  ${remedy(trial.failure, say)}`];
    }),
  ];
}

function asJson(enterprise: string, { bot, webhook, chats }: BotTrial, say: Messages): object {
  const told = chats.map(({ name, chat, thread, failure }) => {
    const ok = failure === null;
    return { name, chat, thread, ok, error: errorOf(failure), remedy: ok ? null : remedy(failure, say) };
  });
  return { enterprise, bot, webhook, chats: told };
}

function placeOf({ chat, thread }: ChatTrial): string {
  return thread === null ? chat : `${chat}/${thread}`;
}

function errorOf(failure: Failure | null): string | null {
  return failure === null || failure.kind === "unchanged" ? null : failure.error;
}

/** What the operator does about it. */
function remedy(failure: Failure, say: Messages): string {
  switch (failure.kind) {
    case "unauthorized":
      return say.remedyUnauthorized;
    case "refused":
      return refusal(failure.error, say);
    case "no_topic":
      return say.remedyTopic;
    case "away":
      return say.remedyAway;
    case "throttled":
      return say.remedyThrottled(Math.ceil(failure.retryAfterMs / 1000));
    default:
      return say.remedyOther;
  }
}

function refusal(error: string, say: Messages): string {
  if (/blocked by the user|user is deactivated|can't initiate/i.test(error)) return say.remedyBlocked;
  if (/kicked|not a member|deactivated/i.test(error)) return say.remedyKicked;
  return /not found|empty|PEER_ID/i.test(error) ? say.remedyNoChat : say.remedyRights;
}
