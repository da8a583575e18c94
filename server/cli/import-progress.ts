import type { RunProgress } from "../mongo/import.ts";
import type { SessionHooks } from "../mongo/session.ts";
import type { Messages } from "./messages.ts";
import { duration } from "./print.ts";

type Phase = Parameters<SessionHooks["onPhase"]>[0];

export interface ProgressOutput {
  /** A terminal: one line that is drawn over and over; else JSON lines. */
  terminal: boolean;
  write(text: string): void;
  /** Monotonic, ms. */
  clock(): number;
}

const intervalMs = 500;
const barChars = 24;

/** Shows how far an import is, twice a second at most. */
export class ProgressShower {
  readonly #say: Messages;
  readonly #output: ProgressOutput;
  #phase: Phase = "import";
  #begunAt = 0;
  #shownAt = -Infinity;
  #firstPart: number | null = null;

  constructor(say: Messages, output: ProgressOutput) {
    this.#say = say;
    this.#output = output;
  }

  begin(phase: Phase): void {
    this.end();
    this.#phase = phase;
    this.#begunAt = this.#output.clock();
    this.#shownAt = -Infinity;
    this.#firstPart = null;
  }

  show(progress: RunProgress): void {
    const now = this.#output.clock();
    this.#firstPart ??= progress.part;
    if (now - this.#shownAt < intervalMs) return;
    this.#shownAt = now;
    const seconds = Math.max(0.001, (now - this.#begunAt) / 1000);
    const rate = progress.documents / seconds;
    const left = this.#secondsLeft(progress.part, seconds);
    if (this.#output.terminal) this.#output.write(`\r\u001b[K${this.#line(progress, rate, left)}`);
    else this.#output.write(`${JSON.stringify({ type: "progress", ...this.#record(progress, rate, left) })}\n`);
  }

  /** Leaves the line as it is and goes to the next. */
  end(): void {
    if (this.#output.terminal && this.#shownAt !== -Infinity) this.#output.write("\n");
    this.#shownAt = -Infinity;
  }

  /** By the pace of this run alone: a resumed one begins in the middle. */
  #secondsLeft(part: number | null, seconds: number): number | null {
    const first = this.#firstPart;
    if (part === null || first === null || part <= first) return null;
    return ((1 - part) * seconds) / (part - first);
  }

  #line({ documents, part }: RunProgress, rate: number, left: number | null): string {
    const done = part === null ? "" : `${bar(part)} ${(part * 100).toFixed(1)} %  `;
    const { importing, timeLeft } = this.#say;
    const eta = left === null ? "" : `  ${timeLeft(duration(left))}`;
    return `${importing.phases[this.#phase]}  ${done}${importing.progress(documents, Math.round(rate))}${eta}`;
  }

  #record({ documents, part, counts }: RunProgress, rate: number, left: number | null): Record<string, unknown> {
    return {
      phase: this.#phase,
      documents,
      part: part === null ? null : Number(part.toFixed(4)),
      rate: Math.round(rate),
      seconds_left: left === null ? null : Math.round(left),
      rejected: counts.rejected,
    };
  }
}

export function bar(part: number): string {
  const full = Math.round(part * barChars);
  return `[${"#".repeat(full)}${".".repeat(barChars - full)}]`;
}
