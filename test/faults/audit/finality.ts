import type { Journal, PlayedCall } from "../oracle/journal.ts";
import type { Database } from "../stack/database.ts";

const EVERY_MS = 200;
/** A row of Asterisk's own file and the event that tells the same may be so far apart, ms. */
const TOLD_TWICE_MS = 1_000;

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
  readonly #vanished = new Set<string>();
  readonly #moved = new Map<string, { how: string; ms: number }>();
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

  /**
   * After the faults: no call may ever have shown another status than its own, no step may have vanished or moved.
   * Left out: the `start` of a consultation, whose row goes when it is merged into the call it was about; calls that ran
   * while two agents claimed to be one site, whose snapshots end each other's calls; and the time of a step of a call
   * that lost events, which a snapshot may tell better later, or during which the clock was set: when a consultation that
   * began by the new clock is merged into it, its steps take the call's clock. A call that lost events has no status to be
   * wrong, unless it is `repaired` from Asterisk's own files; then its steps may be told by a row first and by the event later.
   */
  async judge(
    journal: Journal,
    leftOut: {
      incomplete: ReadonlySet<number>;
      disputed: ReadonlySet<number>;
      reclocked: ReadonlySet<number>;
      repaired?: boolean;
    },
  ): Promise<string[]> {
    this.#absenceForgiven = false;
    await this.#sample();
    const judged = journal.calls.filter(({ call }) => !leftOut.disputed.has(call));
    const idsOf = (calls: ReadonlySet<number>): Set<string> =>
      new Set(journal.told.filter(({ call }) => calls.has(call)).flatMap(({ text }) => idsIn(text)));
    const disputed = idsOf(leftOut.disputed);
    const retimed = idsOf(new Set([...leftOut.incomplete, ...leftOut.reclocked]));
    const isTold = ({ call }: PlayedCall): boolean => leftOut.repaired === true || !leftOut.incomplete.has(call);
    const wrongs = judged.filter(isTold).flatMap((call) => this.#otherStatuses(call));
    const calls = new Set(journal.calls.map(({ linkedid }) => linkedid));
    for (const step of this.#vanished) {
      const [leg, type] = step.split("/") as [string, string];
      const consultation = type === "start" && !calls.has(leg);
      if (!consultation && !disputed.has(leg)) wrongs.push(`Step ${step} was shown and taken back`);
    }
    for (const [step, { how, ms }] of this.#moved) {
      const leg = step.split("/")[0]!;
      if (leftOut.repaired === true && ms <= TOLD_TWICE_MS) continue;
      if (!disputed.has(leg) && !retimed.has(leg)) wrongs.push(`Step ${step} was shown ${how}`);
    }
    return wrongs;
  }

  #otherStatuses({ linkedid, kind, truth }: PlayedCall): string[] {
    const others = [...(this.#statuses.get(linkedid) ?? [])].filter((status) => status !== truth.callStatus);
    return others.map((status) => `Call ${linkedid} (${kind}) was once shown as ${status}`);
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
      if (still === undefined && !this.#absenceForgiven) this.#vanished.add(step);
      if (still !== undefined && still !== at)
        this.#moved.set(step, { how: `at ${at}, then at ${still}`, ms: Math.abs(msOf(still) - msOf(at)) });
    }
    for (const [step, at] of now) this.#steps.set(step, at);
  }
}

/** A timestamptz as PostgreSQL writes it in UTC. */
function msOf(text: string): number {
  return Date.parse(text.replace(" ", "T").replace(/\+00$/, "Z"));
}

/** Channel ids in an event's text. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/^\w*(?:Uniqueid|Linkedid): (\S+)\r$/gm)].map(([, id]) => id!);
}
