import type { Pace } from "../../store/telegram/claimCard.ts";

export const TELEGRAM_API_ROOT = "https://api.telegram.org";

/** Bounds of a card's text: with all of them reached it stays below the 4096 characters of a message. */
export const CARD_LIMITS = {
  nameCharsMax: 40,
  extensionsMax: 12,
  transfersMax: 4,
  recordingsMax: 3,
} as const;

/** Every bound of what goes to the Bot API and comes from it. */
export const TELEGRAM_LIMITS = {
  requestMsMax: 10_000,
  /** Longer than a request and its note may take: who has not finished by then has died. */
  claimMsMax: 30_000,
  /** How long a message that was sent is tried to be noted, before its card is sent again. */
  noteMsMax: 20_000,
  noteRetryMs: 500,
  /** What reaches a chat later than this is no news that should ring, and waits for what is. */
  freshMsMax: 60_000,
  /** A request that goes out later than this after it might moves the next one. */
  slotLateMsMax: 50,
  /** Requests at once to all chats of one bot. */
  perBotMax: 16,
  accountCacheMs: 3_000,
  accountsCachedMax: 5_000,
  retryDelayMsMin: 1_000,
  retryDelayMsMax: 30_000,
  unauthorizedMs: 60_000,
  /** After that it is given up. */
  retryAgeMsMax: 24 * 3_600_000,
  givenUpMax: 500,
  /** A chat that waits is looked at again after this at most: somebody may have seen to it. */
  lookAgainMs: 5_000,
  /** And so long after an interruption. */
  interruptedMs: 5_000,
  /** Long polling for pressed buttons. */
  pollSeconds: 25,
  pollRetryMs: 5_000,
  /** At a stop. */
  confirmMsMax: 1_000,
  /** How often is looked which bots there are and whether another server has let go of one. */
  botsLookMs: 5_000,
  errorCharsMax: 300,
} as const;

/**
 * The Bot API takes about a message a second in a chat, 20 a minute in a group and 30 a second of one bot; edits count. We
 * stay a little below, and keep the last places of a group's minute and of the bot's second for what matters.
 */
const OF_BOT = { botPerSecond: [26, 25, 16], patienceMs: [0, 0, 15_000] } as const;
export const PRIVATE_PACE: Pace = { gapMs: 1_150, spanMs: 1, perSpan: [1, 1, 1], ...OF_BOT };
export const GROUP_PACE: Pace = { gapMs: 1_150, spanMs: 62_000, perSpan: [20, 18, 13], ...OF_BOT };

/** Groups and channels have negative ids or names; people have positive ids. */
export function paceOf(chat: string): Pace {
  return /^\d+$/.test(chat) ? PRIVATE_PACE : GROUP_PACE;
}

/** What can wait for the bot comes back at different times: together it would meet again, and the ends of calls of one length. */
export function scattered(pace: Pace, random: () => number): Pace {
  const [missed, news, meanwhile] = pace.patienceMs.map((ms) => Math.round(ms * (0.5 + random())));
  return { ...pace, patienceMs: [missed ?? 0, news ?? 0, meanwhile ?? 0] };
}

/** How long a chat is left alone after the nth failure in a row (from 1): doubling, the upper half of it by chance. */
export function chatDelayMs(failures: number, random: () => number): number {
  const { retryDelayMsMin, retryDelayMsMax } = TELEGRAM_LIMITS;
  return Math.round(
    Math.min(retryDelayMsMin * 2 ** Math.min(failures - 1, 20), retryDelayMsMax) * (0.5 + random() / 2),
  );
}
