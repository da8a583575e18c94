import { Backoff, type BackoffBounds } from "../backoff.ts";
import { sleep } from "../sleep.ts";
import type { Link } from "./link.ts";
import type { Verdict } from "./verdict.ts";

export interface PatienceBounds {
  /** After what heals by itself. */
  retry: BackoffBounds;
  /** After what a person must mend. */
  wait: BackoffBounds;
}

/** How long one lane holds back after a request that was not acked; the link is told why. */
export class Patience {
  readonly #bounds: PatienceBounds;
  readonly #link: Link;
  readonly #stopping: AbortSignal;
  readonly #retry: Backoff;
  readonly #wait: Backoff;

  constructor(bounds: PatienceBounds, random: () => number, link: Link, stopping: AbortSignal) {
    this.#bounds = bounds;
    this.#link = link;
    this.#stopping = stopping;
    this.#retry = new Backoff(bounds.retry, random);
    this.#wait = new Backoff(bounds.wait, random);
  }

  /** `null`: acked. A batch that is to be split or set aside goes on at once. */
  async after(verdict: Verdict | null): Promise<void> {
    if (verdict === null) this.#succeeded();
    else if (verdict.act === "retry" || verdict.act === "wait") await this.hold(verdict);
  }

  /** Like `after`, for a request that carried nothing that could be split. */
  async hold(verdict: Verdict): Promise<void> {
    await sleep(this.#delayMs(verdict), this.#stopping);
  }

  #succeeded(): void {
    this.#retry.succeeded();
    this.#wait.succeeded();
  }

  #delayMs(verdict: Verdict): number {
    if (verdict.act === "retry") {
      this.#link.broke("unreachable", verdict.problem);
      return this.#retry.failed(verdict.retryAfterMs);
    }
    if (verdict.act === "wait") {
      this.#link.broke("refused", verdict.problem);
      return this.#wait.failed();
    }
    return this.#bounds.retry.retryDelayMsMax;
  }
}
