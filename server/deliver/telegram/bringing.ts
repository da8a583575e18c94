import type { Pool } from "pg";
import type { Logger } from "../../../shared/log.ts";
import type { ClaimedCard } from "../../store/telegram/claimCard.ts";
import type { CardNews } from "../../store/telegram/readCard.ts";
import type { DeliveryCounts } from "../counts.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { ChatName, Served } from "./chat-lines.ts";
import type { ChatSettings } from "./settings.ts";

export interface BringContext {
  pool: Pool;
  log: Logger;
  accounts: Accounts;
  now: () => number;
  random: () => number;
  /** When this server began, epoch ms. */
  startedAt: number;
  counts?: DeliveryCounts;
  /** Runs a request when the bot has not too many under way. */
  inTurn: <T>(bot: string, request: () => Promise<T>) => Promise<T>;
}

/** A card on its way to a chat. */
export interface Bringing {
  name: ChatName;
  account: Account;
  chat: ChatSettings;
  card: ClaimedCard;
  news: CardNews;
  /** When the right to send was taken, at the earliest; epoch ms. */
  claimedAt: number;
  /** After that, when it had been taken. */
  readAt: number;
}

/** `again`: look for more at once. Else as `Served`. */
export type Brought = "again" | Served;
