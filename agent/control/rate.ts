const WINDOW_SECONDS = 60;

/** Events in the last minute, counted by the second. */
export class Rate {
  readonly #counts: number[] = Array.from({ length: WINDOW_SECONDS }, () => 0);
  #second = 0;

  add(count: number, monoMs: number): void {
    this.#advance(monoMs);
    const at = this.#second % WINDOW_SECONDS;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  perSecond(monoMs: number): number {
    this.#advance(monoMs);
    const sum = this.#counts.reduce((all, count) => all + count, 0);
    return Math.round((sum / WINDOW_SECONDS) * 10) / 10;
  }

  #advance(monoMs: number): void {
    const second = Math.floor(monoMs / 1000);
    const passed = Math.min(WINDOW_SECONDS, second - this.#second);
    for (let step = 1; step <= passed; step++) this.#counts[(second - passed + step) % WINDOW_SECONDS] = 0;
    this.#second = Math.max(this.#second, second);
  }
}
