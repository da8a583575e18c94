export interface BackoffBounds {
  retryDelayMsBase: number;
  retryDelayMsMax: number;
}

/**
 * Full jitter: anything from the base to an exponentially growing bound, so that a thousand agents
 * whose server comes back do not arrive together.
 */
export class Backoff {
  readonly #bounds: BackoffBounds;
  readonly #random: () => number;
  #failures = 0;

  constructor(bounds: BackoffBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds to wait after one more failure; never less than `atLeastMs` (a server's Retry-After). */
  failed(atLeastMs = 0): number {
    const { retryDelayMsBase, retryDelayMsMax } = this.#bounds;
    const bound = Math.min(retryDelayMsMax, retryDelayMsBase * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    const floor = Math.min(retryDelayMsBase, bound);
    return Math.max(Math.min(atLeastMs, RETRY_AFTER_MS_MAX), Math.round(floor + this.#random() * (bound - floor)));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

/** A server may ask for patience, but not for a day of it. */
const RETRY_AFTER_MS_MAX = 120_000;
