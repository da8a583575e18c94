/** Targets that are left alone for a while, each with one timer for all its calls. */
export class Pauses {
  readonly #onEnd: () => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** The target may be tried again in so long; a pause that is known already stays. */
  end(target: string, inMs: number): void {
    if (this.#timers.has(target)) return;
    const end = () => {
      this.#timers.delete(target);
      this.#onEnd();
    };
    this.#timers.set(target, setTimeout(end, Math.max(inMs, 0)).unref());
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
