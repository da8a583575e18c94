import type { Messages } from "./messages.ts";
import { bar, type ProgressOutput } from "./import-progress.ts";
import { duration } from "./print.ts";

const intervalMs = 500;

/** How far a rebuild is: a line drawn over and over on a terminal, a JSON line with --json, else nothing. */
export class RebuildProgress {
  readonly #say: Messages;
  readonly #json: boolean;
  readonly #output: ProgressOutput;
  readonly #begunAt: number;
  #shownAt = -Infinity;
  #drawn = false;

  constructor(say: Messages, json: boolean, output: ProgressOutput) {
    this.#say = say;
    this.#json = json;
    this.#output = output;
    this.#begunAt = output.clock();
  }

  show(done: number, total: number): void {
    const now = this.#output.clock();
    if (now - this.#shownAt < intervalMs && done < total) return;
    this.#shownAt = now;
    const rate = (done * 1000) / Math.max(1, now - this.#begunAt);
    const left = rate > 0 ? (total - done) / rate : null;
    if (this.#json) this.#output.write(`${JSON.stringify(record(done, total, rate, left))}\n`);
    else if (this.#output.terminal) this.#draw(done, total, left);
  }

  /** Takes the line away, for what is printed next. */
  clear(): void {
    if (this.#drawn) this.#output.write("\r\u001b[K");
    this.#drawn = false;
  }

  #draw(done: number, total: number, left: number | null): void {
    const eta = left === null || done >= total ? "" : `  ${this.#say.timeLeft(duration(left))}`;
    this.#output.write(`\r\u001b[K${bar(total === 0 ? 1 : done / total)} ${this.#say.callsOf(done, total)}${eta}`);
    this.#drawn = true;
  }
}

function record(done: number, total: number, rate: number, left: number | null): object {
  const seconds = left === null ? null : Math.round(left);
  return { type: "progress", calls: done, total, rate: Math.round(rate), seconds_left: seconds };
}
