import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Logger } from "../../shared/log.ts";
import type { AgentReport, WindowReport } from "../../shared/wire.ts";
import type { Clock } from "../clock.ts";
import { Poster, POST_TIMINGS } from "../forward/post.ts";
import { recovered } from "../markers.ts";
import { Signal } from "../signal.ts";
import type { BlindPeriod } from "../control/blind.ts";
import type { OutboxState } from "../outbox/protocol.ts";
import { findSources, type Found } from "./find.ts";
import { Journal, type Job, type Outcome } from "./journal.ts";
import { PAUSES, Reading, type Pauses } from "./reading.ts";
import { Sender } from "./sender.ts";
import { Unended } from "./unended.ts";
import { partsToRead, Windows } from "./windows.ts";
import { zoneNamed } from "./zone.ts";

export interface RepairSettings {
  enabled: boolean;
  root: string;
  asterisk_conf: string;
  zone: string;
  /** Whether the files of this machine are those of the Asterisk that is listened to. */
  isLocal: boolean;
  site: string;
  url: string;
  key: string;
  caFile: string;
  agent: string;
}

export interface RepairPorts {
  clock: Clock;
  random: () => number;
  log: Logger;
  report(): AgentReport;
  /** How far the PBX's clock is ahead, ms. */
  pbxAheadMs(): number;
  isLinked(): boolean;
  /** When the agent was blind, as far back as it remembers. */
  blind(): readonly BlindPeriod[];
  /** What the outbox holds; null: it is not open yet. */
  outbox(): Pick<OutboxState, "windows" | "highest" | "oldestUnacked"> | null;
  remember(text: string): void;
  /** Puts a marker into the agent's own stream; resolves when it has its seq. */
  tell(marker: AmiEvent): Promise<void>;
  /** Something the server waits for is done. */
  changed(): void;
}

/** What `status` tells. Times in epoch ms. */
export interface RepairStatus {
  enabled: boolean;
  /** Where rows would be read from. */
  sources: { kind: string; path: string }[];
  problems: string[];
  /** Times that wait to be read, the one being read among them. */
  waiting: { from: number; to: number; rows: number }[];
  last: Outcome | null;
}

/** Two clocks agree that far; and a row is written a moment after what it tells. */
const MARGIN_BEFORE_MS = 10_000;
const MARGIN_AFTER_MS = 3_000;
const SETTLE_MS = 1_000;
/** A call that runs longer than this after a blindness is told without what its detail record says of that. */
const UNENDED_MS_MAX = 24 * 3_600_000;
/** Channels whose end is waited for; of more, the first. */
const UNENDED_MAX = 5_000;
const LOOK_MS = 1_000;
const FOUND_MS_MAX = 10_000;
/** Rows wait no longer for what was heard before them: the server's calls wait for ten minutes. */
const BACKLOG_MS_MAX = 300_000;

/**
 * Reads from Asterisk's own CDR and CEL files what was missed while the agent was blind, and what the server asks for and
 * the outbox has not (any more). One time after another, each kept in the outbox until its rows are acked and
 * RingpostRecovered is written: an agent that is killed in between takes it up again.
 */
export class Repair {
  readonly #settings: RepairSettings;
  readonly #ports: RepairPorts;
  readonly #pauses: Pauses;
  readonly #journal: Journal;
  readonly #windows = new Windows();
  readonly #unended = new Unended();
  readonly #poster: Poster;
  readonly #sender: Sender;
  readonly #stopping = new AbortController();
  readonly #signal = new Signal();
  #running: Promise<void> = Promise.resolve();
  /** Ends the reading of a window of the server: the agent's own blindness goes first. */
  #interrupt = new AbortController();
  #found: { at: number; found: Found } | null = null;
  /** By job: when its time had come, and the highest seq of the outbox then. */
  readonly #due = new WeakMap<Job, { seq: number; atMs: number }>();

  /** @throws RangeError when nobody knows the zone. */
  constructor(settings: RepairSettings, ports: RepairPorts, pauses: Pauses = PAUSES) {
    const { clock, random, report, isLinked } = ports;
    const { url, key, agent, caFile } = settings;
    this.#settings = settings;
    this.#ports = ports;
    this.#pauses = pauses;
    this.#journal = new Journal((text) => ports.remember(text));
    this.#poster = new Poster(url, key, POST_TIMINGS, caFile);
    const windows = () => this.windows(this.#outboxWindows);
    const stopping = this.#stopping.signal;
    this.#sender = new Sender(this.#poster, { clock, random, url, agent, stopping, report, windows, isLinked });
  }

  /** @param known what an earlier run kept. */
  start(known: string | undefined): void {
    this.#journal.resume(known);
    for (const { window } of this.#journal.jobs) if (window !== undefined) this.#windows.took(window);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#signal.raise();
    this.#poster.close();
    await this.#running;
  }

  useKey(key: string): void {
    this.#poster.useKey(key);
  }

  /** What AMI tells, in its order: when calls end that ran through a blindness. */
  see(events: readonly AmiEvent[]): void {
    this.#unended.see(events);
  }

  /** A blindness is over, epoch ms. True when Asterisk's files will be read for it; kept before the call returns. */
  blindEnded(from: number, to: number): boolean {
    const { cel, cdr, locked } = this.#find();
    if (cel.length + cdr.length + locked.length === 0) return false;
    this.#journal.add({ from, to });
    this.#interrupt.abort();
    this.#signal.raise();
    return true;
  }

  /** The server asks for a window: what the outbox has not comes from the files, once the outbox has said how far it goes. */
  asked(id: string, from: number, to: number): void {
    if (this.#isUsable) this.#windows.ask(id, from, to);
    this.#signal.raise();
  }

  /** The outbox's words about windows, with what the files add. */
  windows(reports: readonly WindowReport[]): WindowReport[] {
    return reports.map((report) => {
      const jobs = this.#journal.jobs.filter(({ window }) => window === report.id);
      return this.#windows.report(report, jobs.length, rowsOf(jobs));
    });
  }

  get status(): RepairStatus {
    const { cel, cdr, problems } = this.#lastFound();
    return {
      enabled: this.#isUsable,
      sources: [...cel, ...cdr].map(({ kind, where }) => ({ kind, path: where })),
      problems,
      waiting: this.#journal.jobs.map((job) => ({ from: job.from, to: job.to, rows: rowsOf([job]) })),
      last: this.#journal.last,
    };
  }

  get #outboxWindows(): WindowReport[] {
    return this.#ports.outbox()?.windows ?? [];
  }

  get #isUsable(): boolean {
    return this.#settings.enabled && this.#settings.isLocal;
  }

  #find(): Found {
    if (!this.#isUsable) return { cel: [], cdr: [], celEnough: false, problems: [], locked: [] };
    const { root, asterisk_conf: asteriskConf, zone, site } = this.#settings;
    const nowMs = () => this.#ports.clock.wallMs();
    return findSources({ root, asteriskConf, site, zone: zoneNamed(zone), identities: this.#journal, nowMs });
  }

  /** Whoever looks every second needs no news every second. */
  #lastFound(): Found {
    const now = this.#ports.clock.monoMs();
    if (this.#found === null || now - this.#found.at > FOUND_MS_MAX) this.#found = { at: now, found: this.#find() };
    return this.#found.found;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#takeWindows();
      this.#takeUp();
      const job = this.#next();
      if (job === undefined || !this.#ports.isLinked()) await this.#signal.wait(LOOK_MS);
      else await this.#read(job);
    }
  }

  /** Own blindness first: calls wait for it. */
  #next(): Job | undefined {
    const own = this.#journal.jobs.filter(({ window }) => window === undefined);
    return own.length > 0 ? own.find((job) => this.#isDue(job)) : this.#journal.jobs[0];
  }

  /**
   * What was heard live again is behind the blindness, and Asterisk has written what was in it; and the server has all that was
   * heard until then: rows that overtake it would tell a call from its end alone.
   */
  #isDue(job: Job): boolean {
    if (this.#ports.clock.wallMs() < Math.max(job.to, job.again ?? 0) + MARGIN_AFTER_MS + SETTLE_MS) return false;
    const outbox = this.#ports.outbox();
    if (outbox === null) return false;
    const nowMs = this.#ports.clock.monoMs();
    const due = this.#due.get(job) ?? { seq: outbox.highest, atMs: nowMs };
    this.#due.set(job, due);
    const isAcked = outbox.oldestUnacked === null || outbox.oldestUnacked > due.seq;
    return isAcked || nowMs - due.atMs > BACKLOG_MS_MAX;
  }

  #takeUp(): void {
    const now = this.#ports.clock.wallMs();
    this.#journal.takeUp(({ unended, until }) => this.#unended.haveEnded(unended) || now > until, now);
  }

  #takeWindows(): void {
    for (const { id, from, to, retainedFrom } of this.#windows.ready(this.#outboxWindows)) {
      const now = this.#ports.clock.wallMs();
      const parts = partsToRead({ from, to: Math.min(to, now) }, retainedFrom ?? now, this.#ports.blind());
      for (const part of parts) this.#journal.add({ ...part, window: id });
      this.#ports.changed();
    }
  }

  async #read(job: Job): Promise<void> {
    const { clock, changed, pbxAheadMs } = this.#ports;
    const aheadMs = pbxAheadMs();
    this.#interrupt = new AbortController();
    const stopping = this.#stopping.signal;
    const interrupted = job.window === undefined ? stopping : AbortSignal.any([stopping, this.#interrupt.signal]);
    const reading = new Reading(job, {
      nowMs: () => clock.wallMs() + aheadMs,
      stopping: interrupted,
      find: () => this.#find(),
      send: (portion) => this.#sender.send(portion),
      progressed: () => this.#journal.save(),
      pauses: this.#pauses,
    });
    const needed = { from: job.from + aheadMs, to: job.to + aheadMs };
    const span = { from: needed.from - MARGIN_BEFORE_MS, to: needed.to + MARGIN_AFTER_MS };
    const before = rowsOf([job]);
    const outcome = await reading.run(span, needed);
    if (interrupted.aborted) return;
    if (job.again === undefined || rowsOf([job]) > before) await this.#tellOutcome(job, outcome);
    this.#journal.finished(job, outcome);
    if (reading.isByRecords) this.#putOff(job);
    changed();
  }

  async #tellOutcome(job: Job, outcome: Outcome): Promise<void> {
    const { log, tell } = this.#ports;
    log[outcome.result === "complete" ? "info" : "warn"](
      outcome,
      "Asterisk's own files were read for a time nothing was heard",
    );
    await tell(recovered({ ...outcome, spans: spansOf(job) }));
    if (job.window !== undefined) this.#windows.read(job.window, rowsOf([job]));
  }

  /** Once, and for the agent's own blindness only: the server asks again by itself. */
  #putOff(job: Job): void {
    const unended = this.#unended.ids.slice(0, UNENDED_MAX);
    if (unended.length === 0 || job.window !== undefined || job.again !== undefined) return;
    this.#journal.putOff(job, unended, this.#ports.clock.wallMs() + UNENDED_MS_MAX);
  }
}

function spansOf({ spans }: Job): string[] {
  return Object.entries(spans).flatMap(([stream, parts]) => parts.map(([from, to]) => `${stream} ${from} ${to}`));
}

function rowsOf(jobs: readonly Job[]): number {
  return jobs.flatMap(({ sent }) => Object.values(sent)).reduce((sum, count) => sum + count, 0);
}
