import type { Messages } from "./messages.ts";
import { bar } from "./import-progress.ts";
import { duration } from "./print.ts";

const intervalMs = 500;

/** How far a rebuild is, on stderr: a line drawn over and over on a terminal, a JSON line with --json, else nothing. */
export class RebuildProgress {
  readonly #say: Messages;
  readonly #json: boolean;
  readonly #clock: { now(): number };
  readonly #begunAt: number;
  readonly #terminal = process.stderr.isTTY === true;
  #shownAt = -Infinity;
  #drawn = false;

  constructor(say: Messages, json: boolean, clock: { now(): number }) {
    this.#say = say;
    this.#json = json;
    this.#clock = clock;
    this.#begunAt = clock.now();
  }

  show(done: number, total: number): void {
    const now = this.#clock.now();
    if (now - this.#shownAt < intervalMs && done < total) return;
    this.#shownAt = now;
    const rate = (done * 1000) / Math.max(1, now - this.#begunAt);
    const left = rate > 0 ? (total - done) / rate : null;
    if (this.#json) this.#write(`${JSON.stringify(record(done, total, rate, left))}\n`);
    else if (this.#terminal) this.#draw(done, total, left);
  }

  /** Takes the line away, for what is printed next. */
  clear(): void {
    if (this.#drawn) this.#write("\r\u001b[K");
    this.#drawn = false;
  }

  #draw(done: number, total: number, left: number | null): void {
    const eta = left === null || done >= total ? "" : `  ${this.#say.timeLeft(duration(left))}`;
    this.#write(`\r\u001b[K${bar(total === 0 ? 1 : done / total)} ${this.#say.callsOf(done, total)}${eta}`);
    this.#drawn = true;
  }

  #write(text: string): void {
    process.stderr.write(text);
  }
}

function record(done: number, total: number, rate: number, left: number | null): object {
  const seconds = left === null ? null : Math.round(left);
  return { type: "progress", calls: done, total, rate: Math.round(rate), seconds_left: seconds };
}
