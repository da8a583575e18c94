import type { Notify } from "./notify.ts";

const INTERVAL_MS_MIN = 500;

export interface Watched {
  /** Whether capture and commit both go on. An answer that never comes says that they do not. */
  advances(): Promise<boolean>;
}

/**
 * Tells systemd that the agent runs, and again and again that it advances. Whoever hangs, or has a disk thread that
 * hangs, is silent, and systemd starts the agent anew.
 */
export class Watchdog {
  readonly #notify: Notify;
  readonly #intervalMs: number | null;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;

  /** @param watchdogUsec systemd's WATCHDOG_USEC: by when it wants to hear; undefined when it does not ask. */
  constructor(notify: Notify, watchdogUsec: string | undefined) {
    this.#notify = notify;
    const ms = Number(watchdogUsec) / 1000;
    this.#intervalMs = Number.isFinite(ms) && ms > 0 ? Math.max(INTERVAL_MS_MIN, ms / 3) : null;
  }

  start(watched: Watched): void {
    this.#notify("READY=1");
    if (this.#intervalMs !== null) this.#timer = setInterval(() => void this.#look(watched), this.#intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#notify("STOPPING=1");
  }

  async #look(watched: Watched): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    if (await watched.advances()) this.#notify("WATCHDOG=1");
    this.#asking = false;
  }
}
