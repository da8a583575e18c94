import type { Api } from "grammy";
import type { Pool } from "pg";
import { type EnterpriseTelegram, listTelegram } from "../../store/telegram/telegramSettings.ts";
import type { Vault } from "../secrets.ts";
import { readDeliverySettings } from "../settings.ts";
import { botOf, openApi } from "./api.ts";
import { TELEGRAM_LIMITS } from "./limits.ts";
import type { CardStyle } from "./phrases.ts";
import { readTelegramSettings, type TelegramSettings } from "./settings.ts";

/** An enterprise with Telegram on, ready to be told. */
export interface Account {
  enterpriseId: string;
  token: string;
  /** The bot's id. */
  bot: string;
  api: Api;
  settings: TelegramSettings;
  style: CardStyle;
  downloadedAgeMsMax: number;
}

export interface AccountsOptions {
  pool: Pool;
  vault: Vault;
  apiRoot: string;
  requestMsMax: number;
  now: () => number;
}

/** Accounts by enterprise, remembered for a moment: running servers take a change of settings within seconds. */
export class Accounts {
  readonly #options: AccountsOptions;
  readonly #known = new Map<string, { readAt: number; account: Account | undefined }>();
  readonly #apis = new Map<string, Api>();

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  /** Undefined when Telegram is off. @throws RingpostError `secret_unreadable`. */
  async get(enterpriseId: string): Promise<Account | undefined> {
    const { pool, now } = this.#options;
    const known = this.#known.get(enterpriseId);
    if (known !== undefined && now() - known.readAt < TELEGRAM_LIMITS.accountCacheMs) return known.account;
    const [row] = await listTelegram(pool, enterpriseId);
    const account = row && this.open(row);
    if (this.#known.size >= TELEGRAM_LIMITS.accountsCachedMax) this.#known.clear();
    this.#known.set(enterpriseId, { readAt: now(), account });
    return account;
  }

  /** Its settings have just changed. */
  forget(enterpriseId: string): void {
    this.#known.delete(enterpriseId);
  }

  /** @throws RingpostError `secret_unreadable`. */
  open({ id, timezone, settings: stored }: EnterpriseTelegram): Account | undefined {
    const settings = readTelegramSettings(stored);
    if (settings === null) return undefined;
    const token = this.#options.vault.open(settings.token, id);
    const { language, recordingUrl } = settings;
    const style = { enterpriseId: id, language, timezone, names: namesOf(stored), recordingUrl };
    const { downloadedHangupAgeMsMax: downloadedAgeMsMax } = readDeliverySettings(stored);
    return { enterpriseId: id, token, bot: botOf(token), api: this.#apiOf(token), settings, style, downloadedAgeMsMax };
  }

  #apiOf(token: string): Api {
    const known = this.#apis.get(token);
    if (known !== undefined) return known;
    if (this.#apis.size >= TELEGRAM_LIMITS.accountsCachedMax) this.#apis.clear();
    const api = openApi(token, this.#options.apiRoot, this.#options.requestMsMax);
    this.#apis.set(token, api);
    return api;
  }
}

/** `settings.names`: {"150": {"name": "Reception"}}. */
function namesOf(settings: unknown): Map<string, string> {
  const { names } = (settings ?? {}) as { names?: Record<string, { name?: unknown } | null> };
  const told = Object.entries(names ?? {}).map(([extension, who]) => [extension, who?.name] as const);
  return new Map(told.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
