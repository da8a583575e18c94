/** The age of rows is known to a 500th of the oldest age that is asked for, and no finer than this. */
const MARKS_MAX = 500;
const MARK_MS_MIN = 10 * 60_000;

/** Everything up to `seq` was captured before the agent had run for `ranMs`. */
type Mark = [ranMs: number, seq: number];

/**
 * How old rows are, counted in the time the agent has run: the wall clock may be wrong by years (a machine that starts in
 * 1970), and what it says must not cost an event. Rows count as a little younger than they are, never as older.
 */
export class Ages {
  readonly #markMs: number;
  #marks: Mark[];
  #ranMs: number;
  #tickedMono: number;
  #highest = 0;

  /**
   * @param text what `toString` gave in an earlier run.
   * @param ageMsMax the oldest age that is asked for.
   */
  constructor(text: string | undefined, ageMsMax: number, monoMs: number) {
    this.#markMs = Math.max(MARK_MS_MIN, ageMsMax / MARKS_MAX);
    this.#marks = readMarks(text);
    this.#ranMs = this.#marks.at(-1)?.[0] ?? 0;
    this.#tickedMono = monoMs;
  }

  /** To be called now and then. True when there is a new mark to be remembered. */
  tick(monoMs: number, highest: number): boolean {
    this.#ranMs += Math.max(0, monoMs - this.#tickedMono);
    this.#tickedMono = monoMs;
    this.#highest = highest;
    const newest = this.#marks.at(-1);
    if (newest !== undefined && this.#ranMs - newest[0] < this.#markMs) return false;
    this.#marks = [...this.#marks, [this.#ranMs, highest] satisfies Mark].slice(-MARKS_MAX - 1);
    return true;
  }

  /** Highest seq that is known to be at least so old; 0 when none is. */
  olderThan(ageMs: number): number {
    if (ageMs <= 0) return this.#highest;
    return this.#marks.findLast(([ranMs]) => ranMs <= this.#ranMs - ageMs)?.[1] ?? 0;
  }

  toString(): string {
    return JSON.stringify(this.#marks);
  }
}

function readMarks(text: string | undefined): Mark[] {
  try {
    return JSON.parse(text ?? "[]") as Mark[];
  } catch {
    return [];
  }
}
