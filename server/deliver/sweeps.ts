/** One look for overdue deliveries at a time: who asks meanwhile shares the next. */
export class Sweeps {
  readonly #look: (overdueMsMin: number) => Promise<void>;
  #running: Promise<void> | undefined;
  #asked: number | undefined;
  #closed = false;

  /** `look` never rejects. */
  constructor(look: (overdueMsMin: number) => Promise<void>) {
    this.#look = look;
  }

  /** Looks soon for what is overdue for so long. */
  ask(overdueMsMin: number): void {
    if (this.#closed) return;
    this.#asked = Math.min(overdueMsMin, this.#asked ?? overdueMsMin);
    this.#running ??= this.#run();
  }

  /** Resolves when the look that runs is over; no other begins. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#asked !== undefined && !this.#closed) {
      const overdueMsMin = this.#asked;
      this.#asked = undefined;
      await this.#look(overdueMsMin);
    }
    this.#running = undefined;
  }
}
