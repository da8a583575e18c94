/** A loss is over when nothing more is lost for so long. */
const QUIET_MS = 2_000;
/** One that goes on and on is looked at now and then. */
const LOOK_MS_MAX = 60_000;

/** Tells when it is time to look at what exists after events were lost. */
export class Losses {
  #seen = 0;
  #changedAt = 0;
  #firstAt: number | null = null;

  /** @param total events lost since the agent started. Returns true once for each loss. */
  isOver(total: number, monoMs: number): boolean {
    if (total !== this.#seen) {
      this.#seen = total;
      this.#changedAt = monoMs;
      this.#firstAt ??= monoMs;
    }
    if (this.#firstAt === null) return false;
    if (monoMs - this.#changedAt < QUIET_MS && monoMs - this.#firstAt < LOOK_MS_MAX) return false;
    this.#firstAt = null;
    return true;
  }
}
