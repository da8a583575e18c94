import type { Journal } from "../oracle/journal.ts";
import type { Database } from "../stack/database.ts";

const EVERY_MS = 200;

interface Seen {
  linkedid: string;
  status: string;
}
interface SeenStep {
  step: string;
  at: string;
}

/**
 * Looks at the calls again and again while the faults happen, as a person at the console would, and remembers every
 * final status and every step it was ever shown.
 */
export class FinalityWatch {
  samples = 0;
  readonly #database: Database;
  readonly #siteId: number;
  readonly #statuses = new Map<string, Set<string>>();
  readonly #steps = new Map<string, string>();
  readonly #wrongs = new Set<string>();
  #absenceForgiven = false;
  #running = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(database: Database, siteId: number) {
    this.#database = database;
    this.#siteId = siteId;
  }

  start(): void {
    this.#running = true;
    this.#loop = this.#watch();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  /** The database went back in time: what was shown since the backup is to come again, but is not there now. */
  forgiveAbsence(forgive: boolean): void {
    this.#absenceForgiven = forgive;
  }

  /** After the faults: everything ever shown must be there, and no call may ever have shown another status than its own. */
  async judge(journal: Journal, incomplete: ReadonlySet<number>): Promise<string[]> {
    this.#absenceForgiven = false;
    await this.#sample();
    for (const call of journal.calls) {
      const seen = this.#statuses.get(call.linkedid);
      if (seen === undefined || incomplete.has(call.call)) continue;
      const others = [...seen].filter((status) => status !== call.truth.callStatus);
      if (others.length > 0)
        this.#wrongs.add(`Call ${call.linkedid} (${call.kind}) was once shown as ${others.join(", ")}`);
    }
    return [...this.#wrongs];
  }

  async #watch(): Promise<void> {
    while (this.#running) {
      const started = performance.now();
      await this.#sample();
      // Looking must not become the load: at most a fifth of the time.
      const took = performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, Math.max(EVERY_MS, took * 4)));
    }
  }

  async #sample(): Promise<void> {
    const statuses = await this.#database.tryQuery<Seen>(
      "SELECT linkedid, call_status AS status FROM calls WHERE site_id = $1 AND call_status IS NOT NULL",
      [this.#siteId],
    );
    const steps = await this.#database.tryQuery<SeenStep>(
      `SELECT concat_ws('/', leg, event_type, nth) AS step, event_timestamp::text AS at FROM call_events WHERE site_id = $1`,
      [this.#siteId],
    );
    if (statuses === undefined || steps === undefined) return;
    this.samples++;
    for (const { linkedid, status } of statuses) {
      this.#statuses.set(linkedid, (this.#statuses.get(linkedid) ?? new Set()).add(status));
    }
    this.#compare(new Map(steps.map(({ step, at }) => [step, at])));
  }

  #compare(now: Map<string, string>): void {
    for (const [step, at] of this.#steps) {
      const still = now.get(step);
      if (still === undefined && !this.#absenceForgiven) this.#wrongs.add(`Step ${step} was shown and taken back`);
      if (still !== undefined && still !== at) this.#wrongs.add(`Step ${step} was shown at ${at}, then at ${still}`);
    }
    for (const [step, at] of now) this.#steps.set(step, at);
  }
}
