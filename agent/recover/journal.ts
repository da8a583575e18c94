import type { RepairResult } from "../../shared/ami-event.ts";
import type { TableIdentity } from "./sqlite-source.ts";

/** A time to be read from Asterisk's own files. Epoch ms by the agent's clock. */
export interface Job {
  /** When the agent was blind, or what the server asked for and the outbox has not. */
  from: number;
  to: number;
  /** The server's window it is for; absent: the agent's own blindness. */
  window?: string;
  /** Where to go on, by stream: the seq behind the last row that was acked. */
  positions: Record<string, number>;
  /** Rows acked so far, by source. */
  sent: Record<string, number>;
  /** What the server has of each stream for it: the parts that were acked whole. */
  spans: Record<string, [from: number, to: number][]>;
  /** It was read before, when calls still ran: not before then, epoch ms, once more for what was written at their ends. */
  again?: number;
}

/** A time whose detail records were not all written when it was read. */
export interface PutOff {
  job: Job;
  /** Channels whose end is waited for. */
  unended: string[];
  /** No longer than until then, epoch ms. */
  until: number;
}

/** What came of the last one. */
export interface Outcome {
  from: number;
  to: number;
  sources: string[];
  rows: number;
  result: RepairResult;
  reason: string | null;
}

interface Kept {
  jobs: Job[];
  putOff: PutOff[];
  tables: Record<string, TableIdentity>;
  last: Outcome | null;
}

/** Times that wait to be read; beyond this the newest ones become one. */
const JOBS_MAX = 50;

/** Times put off; of more, the oldest is not read again. */
const PUT_OFF_MAX = 50;

/** Parts remembered of one stream; more would only be a longer proof. */
const SPANS_MAX = 50;

/** Notes a part of a stream that was acked whole. */
export function noteSpan({ spans }: Job, stream: string, [from, to]: [number, number]): void {
  const known = (spans[stream] ??= []);
  const last = known.at(-1);
  if (last !== undefined && from >= last[0] && from <= last[1] + 1) last[1] = Math.max(last[1], to);
  else if (known.length < SPANS_MAX) known.push([from, to]);
}

/** What is still to be read, kept between runs of the agent as text. */
export class Journal {
  readonly #remember: (text: string) => void;
  #kept: Kept = { jobs: [], putOff: [], tables: {}, last: null };

  constructor(remember: (text: string) => void) {
    this.#remember = remember;
  }

  resume(text: string | undefined): void {
    if (text === undefined) return;
    const kept = JSON.parse(text) as Kept;
    // An earlier version kept no spans, and put nothing off.
    const jobs = kept.jobs.map((job) => ({ ...job, spans: job.spans ?? {} }));
    this.#kept = { ...kept, jobs, putOff: kept.putOff ?? [] };
  }

  get jobs(): readonly Job[] {
    return this.#kept.jobs;
  }

  get last(): Outcome | null {
    return this.#kept.last;
  }

  add(time: Pick<Job, "from" | "to" | "window">): void {
    const { jobs } = this.#kept;
    const newest = jobs.at(-1);
    if (jobs.length < JOBS_MAX || newest === undefined) jobs.push({ ...time, positions: {}, sent: {}, spans: {} });
    else {
      // Its rows are found anew from the earlier beginning on; the server knows those it has.
      [newest.from, newest.to] = [Math.min(newest.from, time.from), Math.max(newest.to, time.to)];
      newest.positions = {};
    }
    this.save();
  }

  finished(job: Job, outcome: Outcome): void {
    this.#kept.jobs = this.#kept.jobs.filter((each) => each !== job);
    this.#kept.last = outcome;
    this.save();
  }

  /** It is over, but for what is written when these channels end. */
  putOff(job: Job, unended: string[], until: number): void {
    this.#kept.putOff = [...this.#kept.putOff, { job, unended, until }].slice(-PUT_OFF_MAX);
    this.save();
  }

  /** Times put off that may be read now are read again. */
  takeUp(isReady: (putOff: PutOff) => boolean, now: number): void {
    const ready = this.#kept.putOff.filter(isReady);
    if (ready.length === 0) return;
    this.#kept.putOff = this.#kept.putOff.filter((each) => !ready.includes(each));
    this.#kept.jobs.push(...ready.map(({ job }) => ({ ...job, again: now })));
    this.save();
  }

  /** Reaches the disk with the outbox's next write. */
  save(): void {
    this.#remember(JSON.stringify(this.#kept));
  }

  get(key: string): TableIdentity | undefined {
    return this.#kept.tables[key];
  }

  set(key: string, identity: TableIdentity): void {
    this.#kept.tables[key] = identity;
  }
}
