import { sleep } from "./sleep.ts";

/** Something may have happened: wakes whoever waits, and is remembered when nobody does. */
export class Signal {
  #raised = false;
  #wake: AbortController | null = null;

  raise(): void {
    this.#raised = true;
    this.#wake?.abort();
  }

  /** Resolves when raised (also before the call), after `ms` at the latest. For one waiter. */
  async wait(ms: number): Promise<void> {
    if (!this.#raised) {
      this.#wake = new AbortController();
      await sleep(ms, this.#wake.signal);
      this.#wake = null;
    }
    this.#raised = false;
  }
}
