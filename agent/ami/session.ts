import type { AmiEvent, GapCause } from "../../shared/ami-event.ts";
import type { Logger } from "../../shared/log.ts";
import { Backoff } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { asteriskRestarted, captureLost, captureStarted, snapshot } from "../markers.ts";
import { sleep } from "../sleep.ts";
import { AmiConnection, AmiError, type ConnectionTimings } from "./connection.ts";
import { gapsOf, wallMsOf, type Blindness, type Instant } from "./blindness.ts";
import { askFactsWithin, isRestart, type Facts, type KnownStart } from "./facts.ts";
import type { AmiProblem } from "./greeting.ts";
import { firstOf } from "../../shared/ami-message.ts";
import { logIn, type AmiLogin } from "./login.ts";
import { pingEvery, type Pong } from "./ping.ts";
import { Snapshot } from "./snapshot.ts";

/** What the session must know of the time before it began; kept in the outbox. */
export interface Remembered {
  /** Since when nothing is heard; undefined for a new outbox. */
  blind?: Blindness | undefined;
  start?: KnownStart | undefined;
  /** Whether the last run told itself that nothing is heard any more. */
  wasTold: boolean;
}

export interface SessionPorts {
  clock: Clock;
  random: () => number;
  log: Logger;
  /** Events and markers, in order. Never waits. */
  take(events: readonly AmiEvent[]): void;
  /** How old an event is that was read just now. */
  ageMs(event: AmiEvent): number;
  /** AMI is alive now; `aheadMs` is how far the PBX's clock is ahead, when it told. */
  heard(aheadMs: number | undefined): void;
  /** Nothing is heard any more, or why has changed; null: AMI is heard again. To be kept for the next run. */
  silent(blindness: Blindness | null): void;
  started(start: KnownStart): void;
  changed(): void;
  /** Nothing was heard in this time, epoch ms. True when it will be read from Asterisk's own files. */
  blindEnded(fromMs: number, toMs: number): boolean;
}

export interface SessionTimings {
  pingMs: number;
  /** How long events may be held back for the facts that the first marker tells. */
  factsMs: number;
  snapshotMs: number;
  connection?: ConnectionTimings;
}

export const SESSION_TIMINGS: SessionTimings = { pingMs: 10_000, factsMs: 3_000, snapshotMs: 15_000 };
const UNREACHABLE_DELAYS = { retryDelayMsBase: 200, retryDelayMsMax: 5_000 };
const REFUSED_DELAYS = { retryDelayMsBase: 2_000, retryDelayMsMax: 30_000 };
/** An agent that is started and refused again and again tells no more causes of one blindness than these. */
const PHASES_MAX = 100;
/** Events held back while AMI tells who it is. */
const HELD_EVENTS_MAX = 20_000;

export interface AmiState {
  state: "connecting" | "connected" | "refused" | "lost";
  sinceMs: number;
  asteriskVersion?: string | undefined;
  problem?: string | undefined;
}

/**
 * Listens to one Asterisk for ever. Modes: connecting -> connected -> lost -> connecting ..., and
 * connecting -> refused -> connecting, each new try after a jittered wait. Every time it begins or ceases to hear,
 * it says so in the stream; what it could not hear becomes a gap.
 */
export class AmiSession {
  readonly #settings: AmiLogin;
  readonly #ports: SessionPorts;
  readonly #timings: SessionTimings;
  readonly #stopping = new AbortController();
  readonly #unreachable: Backoff;
  readonly #refused: Backoff;
  #state: AmiState;
  #connection: AmiConnection | null = null;
  #knownStart: KnownStart | undefined;
  /** Null while AMI is heard, or nothing was ever heard. */
  #blind: Blindness | null = null;
  #shutdown: GapCause | null = null;
  /**
   * How old the newest event was when it was read: after a pause of the process, the socket's buffers hold old events first, and
   * what came after them is lost with the connection.
   */
  #behindMs = 0;
  #loggedInMono = 0;
  /** The outbox is new and nothing was heard into it yet. */
  #newOutbox = false;
  #running: Promise<void> = Promise.resolve();
  #lookAgain: () => void = () => {};

  constructor(settings: AmiLogin, ports: SessionPorts, timings: SessionTimings = SESSION_TIMINGS) {
    this.#settings = settings;
    this.#ports = ports;
    this.#timings = timings;
    this.#unreachable = new Backoff(UNREACHABLE_DELAYS, ports.random);
    this.#refused = new Backoff(REFUSED_DELAYS, ports.random);
    this.#state = { state: "connecting", sinceMs: ports.clock.wallMs() };
  }

  get state(): AmiState {
    return this.#state;
  }

  start({ blind, start, wasTold }: Remembered): void {
    this.#knownStart = start;
    this.#newOutbox = blind === undefined;
    if (blind !== undefined) {
      this.#blind = blind;
      this.#ports.silent(blind);
      const { since, cause } = blind[0];
      if (!wasTold) this.#ports.take([captureLost(cause, "the agent ended without a goodbye", since.wallMs)]);
    }
    this.#running = this.#run();
  }

  /** Events were lost on the way to the outbox: which calls ended meanwhile is told by what still exists. */
  lookAgain(): void {
    this.#lookAgain();
  }

  /** Says goodbye in the stream and closes the connection. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#connection?.close("the agent stops");
    await this.#running;
    if (this.#blind !== null) this.#blindFor("agent_down", this.#now());
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const problem = await this.#listenOnce();
      if (this.#stopping.signal.aborted) return;
      const backoff = problem.kind === "refused" && problem.passing !== true ? this.#refused : this.#unreachable;
      await sleep(backoff.failed(), this.#stopping.signal);
    }
  }

  /** One connection from its opening to its end; tells why it ended. */
  async #listenOnce(): Promise<AmiProblem> {
    const { clock, log } = this.#ports;
    try {
      const connection = await AmiConnection.open(this.#settings, () => clock.monoMs(), this.#timings.connection);
      this.#connection = connection;
      try {
        return await this.#listen(connection);
      } finally {
        connection.close("done");
        this.#connection = null;
      }
    } catch (error) {
      if (!(error instanceof AmiError)) throw error;
      if (error.ami.kind === "refused") this.#refusedBy(error.ami.problem);
      this.#become(error.ami.kind === "refused" ? "refused" : "lost", error.ami.problem);
      log.warn({ problem: error.ami.problem, kind: error.ami.kind }, "AMI cannot be heard");
      return error.ami;
    }
  }

  async #listen(connection: AmiConnection): Promise<AmiProblem> {
    const held: AmiEvent[] = [];
    connection.onEvents((events) => {
      if (held.length < HELD_EVENTS_MAX) held.push(...events);
      else this.#take(events);
    });
    await logIn(connection, this.#settings);
    this.#behindMs = 0;
    this.#loggedInMono = this.#ports.clock.monoMs();
    const loggedInAt = this.#ports.clock.wallMs();
    const facts = await askFactsWithin(this.#timings.factsMs, connection, held, loggedInAt);
    let watched = new Snapshot();
    this.#begin(facts, loggedInAt);
    this.#take(held);
    connection.onEvents((events) => {
      for (const event of events) watched.watch(event);
      this.#take(events);
    });
    void this.#snapshot(connection, watched);
    this.#lookAgain = () => {
      watched = new Snapshot();
      this.#take([captureStarted(facts)]);
      void this.#snapshot(connection, watched);
    };
    const endPings = pingEvery(connection, this.#timings.pingMs, this.#ports.clock, (pong) => this.#pong(pong));
    const reason = await connection.closed;
    endPings();
    this.#lookAgain = () => {};
    return this.#lost(reason);
  }

  #begin(facts: Facts, nowMs: number): void {
    const restarted = isRestart(this.#knownStart, facts) || this.#shutdown !== null;
    const blind = this.#blind;
    const now = { wallMs: nowMs, monoMs: this.#loggedInMono };
    const isRead = blind !== null && this.#ports.blindEnded(wallMsOf(blind[0].since, now), nowMs);
    const markers = [captureStarted(facts, this.#newOutbox, isRead ? nowMs : undefined)];
    this.#newOutbox = false;
    if (blind !== null) markers.push(...gapsOf(blind, now, restarted));
    if (restarted) markers.push(asteriskRestarted(facts));
    this.#blind = null;
    this.#shutdown = null;
    this.#knownStart = { startedText: facts.startedText, startedAt: facts.startedAt };
    this.#ports.started(this.#knownStart);
    this.#unreachable.succeeded();
    this.#refused.succeeded();
    this.#ports.take(markers);
    this.#ports.silent(null);
    this.#ports.heard(undefined);
    this.#connected(facts);
  }

  #connected(facts: Facts): void {
    this.#state = { state: "connected", sinceMs: this.#ports.clock.wallMs(), asteriskVersion: facts.asteriskVersion };
    if (facts.refused.length > 0) this.#state.problem = rightsMissing(facts.refused);
    this.#ports.log.info(
      { asterisk: facts.asteriskVersion, ami: facts.amiVersion, refused: facts.refused },
      "AMI is heard",
    );
    this.#ports.changed();
  }

  async #snapshot(connection: AmiConnection, watched: Snapshot): Promise<void> {
    const enough = new AbortController();
    const late = sleep(this.#timings.snapshotMs, enough.signal);
    try {
      await Promise.race([watched.request(connection).then(() => watched.done), late, connection.closed]);
    } catch {
      return; // The connection ended first; #listen says so.
    } finally {
      enough.abort();
    }
    if (this.#connection !== connection || this.#state.state !== "connected") return;
    this.#ports.take([snapshot(watched.channels, watched.complete)]);
    if (watched.refused) this.#become("connected", rightsMissing(["CoreShowChannels"]));
  }

  /** A prompt answer came behind all events before it. */
  #pong({ isPrompt, aheadMs }: Pong): void {
    if (isPrompt) this.#behindMs = 0;
    this.#ports.heard(aheadMs);
  }

  #take(events: readonly AmiEvent[]): void {
    const shutdown = events.find((event) => event.Event === "Shutdown");
    if (shutdown !== undefined)
      this.#shutdown = firstOf(shutdown["Restart"]) === "True" ? "asterisk_restarted" : "asterisk_down";
    const newest = events.at(-1);
    if (newest !== undefined) this.#behindMs = this.#ports.ageMs(newest);
    this.#ports.take(events);
  }

  #lost(reason: string): AmiProblem {
    const { clock, log, take } = this.#ports;
    const stopping = this.#stopping.signal.aborted;
    const cause = stopping ? "agent_down" : (this.#shutdown ?? "ami_lost");
    const nowMono = clock.monoMs();
    const silentMs = nowMono - (this.#connection?.lastHeardAt ?? nowMono);
    const unheardMs = Math.min(this.#behindMs, nowMono - this.#loggedInMono) + (stopping ? 0 : silentMs);
    const sinceMs = clock.wallMs() - unheardMs;
    take([captureLost(cause, reason, sinceMs)]);
    this.#blindFor(cause, { wallMs: sinceMs, monoMs: nowMono - unheardMs });
    this.#become("lost", stopping ? undefined : `the AMI connection was lost: ${reason}. The agent keeps trying`);
    log.warn({ cause, reason }, "AMI is lost");
    return { kind: "unreachable", problem: reason };
  }

  /** Told once: the agent and Asterisk run, and yet nothing is seen from now on. A new outbox begins with a login. */
  #refusedBy(problem: string): void {
    if (this.#blind?.at(-1)?.cause === "rights_missing") return;
    const since = this.#now();
    if (!this.#newOutbox) this.#ports.take([captureLost("rights_missing", problem, since.wallMs)]);
    this.#blindFor("rights_missing", since, problem);
  }

  /** The next run of the agent knows it too, unless nothing was ever heard. */
  #blindFor(cause: GapCause, since: Instant, detail?: string): void {
    const phase = { since, cause, detail };
    if (this.#blind === null) this.#blind = [phase];
    else if (this.#blind.at(-1)?.cause !== cause && this.#blind.length < PHASES_MAX)
      this.#blind = [...this.#blind, phase];
    if (!this.#newOutbox) this.#ports.silent(this.#blind);
  }

  #now(): Instant {
    const { clock } = this.#ports;
    return { wallMs: clock.wallMs(), monoMs: clock.monoMs() };
  }

  #become(state: AmiState["state"], problem: string | undefined): void {
    const sinceMs = state === this.#state.state ? this.#state.sinceMs : this.#ports.clock.wallMs();
    this.#state = { ...this.#state, state, sinceMs, problem };
    this.#ports.changed();
  }
}

function rightsMissing(refused: readonly string[]): string {
  return (
    `Asterisk refuses ${refused.join(", ")}: after an interruption the agent cannot tell which calls ended meanwhile. ` +
    "Add write = reporting for this user in manager.conf"
  );
}
