import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "grammy";
import type { Update } from "grammy/types";
import { readFailure } from "./failure.ts";
import { ALLOWED_UPDATES } from "./buttons.ts";
import { TELEGRAM_LIMITS } from "./limits.ts";

export interface PollOptions {
  /** Its requests may take `pollSeconds` and more. */
  api: Api;
  take: (update: Update) => Promise<void>;
  /** Told of what failed; it is tried again. */
  onFailure: (error: string) => void;
}

/** Asks Telegram what people did until stopped. An update is confirmed only after it was taken in. */
export async function poll({ api, take, onFailure }: PollOptions, stop: AbortSignal): Promise<void> {
  let offset = 0;
  while (!stop.aborted) {
    try {
      const updates = await ask(api, offset, TELEGRAM_LIMITS.pollSeconds, stop);
      for (const update of updates) {
        await take(update);
        offset = update.update_id + 1;
      }
    } catch (error) {
      if (stop.aborted) break;
      await rest(error, onFailure, stop);
    }
  }
  // Whoever asks next is not told the same again.
  if (offset > 0) await ask(api, offset, 0, AbortSignal.timeout(TELEGRAM_LIMITS.confirmMsMax)).catch(() => undefined);
}

/** grammY's own type of the same thing. */
type ApiSignal = NonNullable<Parameters<Api["getUpdates"]>[1]>;

function ask(api: Api, offset: number, seconds: number, stop: AbortSignal): Promise<Update[]> {
  const limit = seconds === 0 ? { limit: 1 } : {};
  return api.getUpdates(
    { offset, timeout: seconds, allowed_updates: ALLOWED_UPDATES, ...limit },
    stop as unknown as ApiSignal,
  );
}

async function rest(caught: unknown, onFailure: PollOptions["onFailure"], stop: AbortSignal): Promise<void> {
  const failure = readFailure(caught);
  if (failure.kind !== "unchanged") onFailure(failure.error);
  const ms = failure.kind === "throttled" ? failure.retryAfterMs : TELEGRAM_LIMITS.pollRetryMs;
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}
