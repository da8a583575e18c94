import { startDeliveries } from "../../server/deliver/engine.ts";
import { openVault } from "../../server/deliver/secrets.ts";
import type { StoredChat, StoredTelegram } from "../../server/deliver/telegram/settings.ts";
import { startTelegram } from "../../server/deliver/telegram/telegram.ts";
import { startJobs } from "../../server/jobs.ts";
import { openPool } from "../../server/store/pool.ts";
import { createLogger } from "../../shared/log.ts";
import type { Office } from "../ingest/office.ts";
import type { BotApi } from "./bot-api.ts";
import { SECRET_KEY } from "./receiver.ts";

export const TOKEN = "1000001:for-tests-only-AAAAAAAAAAAAAAAAAAAA";
export const GROUP = "-1001";

/** Turns Telegram on for an enterprise. */
export async function setTelegram(
  office: Office,
  chats: readonly StoredChat[] = [{ name: "main", chat: GROUP }],
  more: Partial<StoredTelegram> & { downloaded_hangup_age_max_seconds?: number } = {},
  enterprise = "0367",
): Promise<void> {
  const token = openVault({ secretKey: SECRET_KEY }).seal(more.token ?? TOKEN, enterprise);
  const telegram = { enabled: true, language: "en", ...more, token, chats };
  await office.rows("UPDATE enterprises SET settings = $1 WHERE id = $2", [JSON.stringify({ telegram }), enterprise]);
}

export interface Sender {
  log: string[];
  stop(): Promise<void>;
}

/** Deliveries and Telegram as the server runs them. */
export function openSender(
  office: Office,
  api: BotApi,
  { secretKey = SECRET_KEY }: { secretKey?: string } = {},
): Sender {
  const pool = openPool({ url: office.db.url, name: "test telegram", connectionsMax: 10 });
  const lines: string[] = [];
  const log = createLogger({ name: "test", level: "info", destination: { write: (line) => void lines.push(line) } });
  const options = { pool, log, now: Date.now, random: Math.random, startedAt: 0 };
  const vault = openVault({ secretKey });
  const telegram = startTelegram({ ...options, vault, apiRoot: api.url, requestMsMax: 1_000 });
  const engine = startDeliveries({ ...options, channels: { telegram } });
  const stopJobs = startJobs({ pool, log, work: [engine.work] });
  const stop = async (): Promise<void> => {
    await stopJobs();
    await engine.stop();
    await telegram.stop();
    await pool.end();
  };
  let stopped: Promise<void> | undefined;
  return { log: lines, stop: () => (stopped ??= stop()) };
}
