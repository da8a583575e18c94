import { REPAIR_SOURCES, type RepairSource } from "../../shared/ami-event.ts";
import { codeOf, messageOf } from "../../shared/errors.ts";
import { sleep } from "../sleep.ts";
import type { Found } from "./find.ts";
import { noteSpan, type Job, type Outcome } from "./journal.ts";
import { newFacts, type Portion, type Source, type Span } from "./source.ts";

export interface ReadingPorts {
  nowMs(): number;
  /** Leaves the job where it is. */
  stopping: AbortSignal;
  find(): Found;
  /** Resolves when the server has the rows; returns how many it refused for good. */
  send(portion: Portion): Promise<number>;
  /** The job has come further. */
  progressed(): void;
  pauses: Pauses;
}

export interface Pauses {
  /** Between two reads with rows: Asterisk and the live events have the machine meanwhile. */
  betweenMs: number;
  /** Between reads that found nothing of use. */
  passingMs: number;
  /** Before a source that could not be read is tried again; doubled each time. */
  againMs: number;
  /** Before a database is tried again that Asterisk has locked for a row: under load there is little time between two of them. */
  lockedMs: number;
}

export const PAUSES: Pauses = { betweenMs: 50, passingMs: 2, againMs: 500, lockedMs: 20 };
/** With PAUSES about a minute, well within what the server lets a call wait. */
const TRIES_MAX = 8;
/** With PAUSES half a minute at least without a single moment in which it was not locked. */
const LOCKED_TRIES_MAX = 1_500;

/** What reading one source came to. */
interface SourceRead {
  rows: number;
  goneBefore: number | null;
  /** Null: read to its end. */
  problem: string | null;
}

/**
 * Reads a time from the best source that has it: CEL before CDR, and where one goes back no further, the next one for what
 * is before. A source without a single row of that time may be a file nobody writes any more: then the next one is asked too.
 */
export class Reading {
  readonly #job: Job;
  readonly #ports: ReadingPorts;
  #problems: string[] = [];
  /** Sources that were read to their end, and those among them that had rows. */
  readonly #read = new Set<RepairSource>();
  readonly #used = new Set<RepairSource>();
  #refused = 0;

  constructor(job: Job, ports: ReadingPorts) {
    this.#job = job;
    this.#ports = ports;
  }

  /** @param span the time by the PBX's clock, margins included; `needed`: without those. */
  async run(span: Span, needed: Span): Promise<Outcome> {
    const found = await this.#find();
    const celLeft = await this.#readFirst(found.cel, span, needed.from);
    const celUsed = this.#used.size > 0;
    const rest = celUsed && found.celEnough ? celLeft : span;
    if (rest === null) return this.#outcome(found, null);
    const cdrLeft = await this.#readFirst(found.cdr, rest, needed.from);
    return this.#outcome(found, hasAny(this.#used, "cdr") ? cdrLeft : celUsed ? celLeft : null);
  }

  /** Whether it had to be told by detail records, which are written when a call ends. */
  get isByRecords(): boolean {
    return hasAny(this.#read, "cdr") && !hasAny(this.#used, "cel");
  }

  /** Waits while all there is is locked. */
  async #find(): Promise<Found> {
    for (let tries = 1; ; tries++) {
      const found = this.#ports.find();
      if (found.locked.length === 0 || tries === LOCKED_TRIES_MAX || this.#ports.stopping.aborted) return found;
      await this.#rest(this.#ports.pauses.lockedMs);
    }
  }

  /** The part of the span that none of the sources has; null when one had it all. */
  async #readFirst(sources: readonly Source[], span: Span, neededFrom: number): Promise<Span | null> {
    let left: Span | null = span;
    for (const source of sources) {
      if (left === null || this.#ports.stopping.aborted) break;
      const { rows, goneBefore, problem } = await this.#readSource(source, left);
      if (problem !== null) {
        this.#problems.push(`${source.where}: ${problem}`);
        continue;
      }
      this.#read.add(source.kind);
      if (rows === 0) continue;
      this.#used.add(source.kind);
      left = goneBefore !== null && goneBefore > neededFrom ? { from: left.from, to: goneBefore } : null;
    }
    return left;
  }

  async #readSource(source: Source, span: Span): Promise<SourceRead> {
    const { stopping, pauses } = this.#ports;
    await this.#untilWritten(source, span);
    let locked = 0;
    for (let tries = 1; ;) {
      const facts = newFacts();
      let problem: string | null = "it was rotated again and again while it was read";
      let isLocked = false;
      try {
        await this.#pass(source, span, facts);
        if (!facts.again) problem = null;
      } catch (error) {
        problem = messageOf(error);
        isLocked = codeOf(error)?.startsWith("SQLITE_BUSY") === true && ++locked < LOCKED_TRIES_MAX;
      }
      if (problem === null || (!isLocked && tries === TRIES_MAX) || stopping.aborted)
        return { rows: this.#job.sent[source.where] ?? 0, goneBefore: facts.goneBefore, problem };
      await this.#rest(isLocked ? pauses.lockedMs : pauses.againMs * 2 ** (tries++ - 1));
    }
  }

  async #pass(source: Source, span: Span, facts: ReturnType<typeof newFacts>): Promise<void> {
    const [job, ports] = [this.#job, this.#ports];
    for await (const portion of source.portions(span, (stream) => job.positions[stream] ?? 0, facts)) {
      if (portion !== null) {
        const refused = await ports.send(portion);
        if (ports.stopping.aborted) return;
        this.#refused += refused;
        if (refused === 0) noteSpan(job, portion.stream, portion.span);
        job.positions[portion.stream] = portion.span[1] + 1;
        job.sent[source.where] = (job.sent[source.where] ?? 0) + portion.rows.length;
        ports.progressed();
      }
      await this.#rest(portion === null ? ports.pauses.passingMs : ports.pauses.betweenMs);
      if (ports.stopping.aborted) return;
    }
  }

  /** Asterisk may gather CDRs before it writes them. */
  async #untilWritten({ lateMs }: Source, span: Span): Promise<void> {
    if (lateMs > 0) await this.#rest(span.to + lateMs - this.#ports.nowMs());
  }

  async #rest(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, this.#ports.stopping);
  }

  #outcome(found: Found, left: Span | null): Outcome {
    const { from, to, sent } = this.#job;
    const rows = Object.values(sent).reduce((sum, count) => sum + count, 0);
    const told = this.#used.size > 0 ? this.#used : new Set([...this.#read].slice(0, 1));
    const sources = REPAIR_SOURCES.filter((kind) => told.has(kind));
    const outcome = { from, to, sources, rows };
    if (this.#read.size === 0) return { ...outcome, result: "failed", reason: this.#whyNothing(found) };
    const reasons = [
      ...(left !== null && this.#used.size > 0
        ? [`rows before ${new Date(left.to).toISOString()} are not there any more`]
        : []),
      ...(this.#refused > 0 ? [`the server refused ${this.#refused} rows`] : []),
      ...(hasAny(this.#used, "cel") ? [] : this.#problems),
    ];
    return reasons.length === 0
      ? { ...outcome, result: "complete", reason: null }
      : { ...outcome, result: "partial", reason: reasons.join("; ") };
  }

  #whyNothing({ problems, locked }: Found): string {
    const all = [...this.#problems, ...problems, ...locked.map((path) => `${path}: Asterisk has it locked`)];
    return all.length > 0 ? all.join("; ") : "Asterisk writes neither CEL nor CDR where the agent can read it";
  }
}

function hasAny(kinds: ReadonlySet<RepairSource>, family: "cel" | "cdr"): boolean {
  return REPAIR_SOURCES.some((kind) => kind.startsWith(family) && kinds.has(kind));
}
