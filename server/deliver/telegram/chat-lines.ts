import PQueue from "p-queue";

/** A chat of an enterprise, by its name. */
export interface ChatName {
  enterpriseId: string;
  target: string;
}

/** `waitMs` null: nothing waits any more; otherwise more may go after so long. */
export interface Served {
  waitMs: number | null;
  /** Nothing at all may go before. */
  paused?: boolean;
  /** Nothing is known to wait: only who is woken meanwhile looks again. */
  idle?: boolean;
}

export interface ChatLinesOptions {
  /** Brings what waits for a chat, until nothing does or nothing may be sent now. Never rejects. */
  serve: (chat: ChatName, stop: AbortSignal) => Promise<Served>;
  /** A chat is looked at again after this at most. */
  waitMsMax: number;
}

interface Line {
  queue: PQueue;
  timer: NodeJS.Timeout | undefined;
  paused: boolean;
  /** To be looked at when the pause is over. */
  wanted: boolean;
}

/** A queue for each chat: one message at a time goes to it, and a chat that has to wait holds up no other. */
export class ChatLines {
  readonly #options: ChatLinesOptions;
  readonly #lines = new Map<string, Line>();
  readonly #stop = new AbortController();

  constructor(options: ChatLinesOptions) {
    this.#options = options;
  }

  /** Something may wait for this chat. Returns at once. */
  wake(chat: ChatName): void {
    if (this.#stop.signal.aborted) return;
    const line = this.#lineOf(chat);
    line.wanted = true;
    if (line.paused) return;
    clearTimeout(line.timer);
    line.timer = undefined;
    // The one that runs now may have looked already; one more look is enough for all who wake it meanwhile.
    if (line.queue.size === 0) void line.queue.add(() => this.#serve(chat, line));
  }

  /** Resolves when what is being sent is done; what waits is left to the database. */
  async close(): Promise<void> {
    this.#stop.abort();
    const lines = [...this.#lines.values()];
    for (const { queue, timer } of lines) {
      clearTimeout(timer);
      queue.clear();
    }
    await Promise.all(lines.map(({ queue }) => queue.onIdle()));
  }

  #lineOf(chat: ChatName): Line {
    const name = nameOf(chat);
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const line: Line = { queue: new PQueue({ concurrency: 1 }), timer: undefined, paused: false, wanted: false };
    line.queue.addEventListener("idle", () => {
      if (line.timer === undefined) this.#lines.delete(name);
    });
    this.#lines.set(name, line);
    return line;
  }

  async #serve(chat: ChatName, line: Line): Promise<void> {
    // Woken while the message before went out: it waits like all others.
    if (line.paused) return;
    line.wanted = false;
    const { waitMs, paused = false, idle = false } = await this.#options.serve(chat, this.#stop.signal);
    if (waitMs === null || this.#stop.signal.aborted) return;
    clearTimeout(line.timer);
    line.paused = paused;
    line.wanted ||= !idle;
    line.timer = setTimeout(() => this.#goOn(chat, line), Math.min(waitMs, this.#options.waitMsMax));
  }

  #goOn(chat: ChatName, line: Line): void {
    line.paused = false;
    line.timer = undefined;
    if (line.wanted) this.wake(chat);
    else this.#lines.delete(nameOf(chat));
  }
}

function nameOf({ enterpriseId, target }: ChatName): string {
  return `${enterpriseId} ${target}`;
}
