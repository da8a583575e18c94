import type { Logger } from "../../shared/log.ts";
import type { AgentReport, IngestHeader, IngestReply, Lane, SeqRange } from "../../shared/wire.ts";
import { WIRE_VERSION } from "../../shared/wire-constants.ts";
import { Backoff, type BackoffBounds } from "../backoff.ts";
import type { CapturedRow } from "../capture.ts";
import type { Clock } from "../clock.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Batch, Opened, OutboxState } from "../outbox/protocol.ts";
import { Signal } from "../signal.ts";
import { sleep } from "../sleep.ts";
import { Link } from "./link.ts";
import { Pace } from "./pace.ts";
import { Pieces } from "./pieces.ts";
import { Poster, type Answer, POST_TIMINGS } from "./post.ts";
import { Tail } from "./tail.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface ForwardTimings {
  /** After what heals by itself. */
  retry: BackoffBounds;
  /** After what a person must mend. */
  wait: BackoffBounds;
  heartbeatMs: number;
}

export const FORWARD_TIMINGS: ForwardTimings = {
  retry: { retryDelayMsBase: 100, retryDelayMsMax: 2_000 },
  wait: { retryDelayMsBase: 2_000, retryDelayMsMax: 30_000 },
  heartbeatMs: 10_000,
};
/** Events that come together leave together; a lone one waits no longer than this. */
const LINGER_MS = 5;
const LINGER_EVENTS_MAX = 200;
const BACKLOG_LOOK_MS = 1_000;
/** How long a backlog batch lets a live one go first. */
const YIELD_MS_MAX = 100;
/** A server that has less than it acked is believed once in this time. */
const RESEND_ABOVE_MS_MIN = 10_000;
const NO_LINES = new Uint8Array(0);

export interface ForwardSettings {
  url: string;
  key: string;
  /** Certificates of the company's own authority, PEM; none when absent. */
  caFile?: string;
  windowMs: number;
  agent: string;
}

export interface ForwardPorts {
  clock: Clock;
  random: () => number;
  log: Logger;
  outbox: Outbox;
  report(): AgentReport;
}

/** Seqs as the outbox has them. */
interface Sending {
  lane: Lane;
  stream: string;
  base: number;
  highest: number;
  oldestUnacked: number | null;
  lines: Uint8Array;
}

/**
 * Sends what the outbox has. Two lanes, one request each: live sends the newest events as they come, backlog the oldest
 * ones the server has not got. Nothing is sent before a first heartbeat has told whether the outbox is an old copy.
 */
export class Forwarder {
  readonly #settings: ForwardSettings;
  readonly #ports: ForwardPorts;
  readonly #timings: ForwardTimings;
  readonly #tail: Tail;
  readonly #link: Link;
  readonly #pace = new Pace();
  readonly #pieces = new Pieces();
  readonly #live: Poster;
  readonly #backlog: Poster;
  readonly #liveSignal = new Signal();
  readonly #backlogSignal = new Signal();
  readonly #stopping = new AbortController();
  /** The backlog lane, while it waits for the live lane to find the server. */
  #unlinked: AbortController | null = null;
  #liveUnderWay: Promise<unknown> | null = null;
  #lastSentMono = 0;
  #lastResendAboveMono = Number.NEGATIVE_INFINITY;
  #reportDue = false;
  #finishedWindows = "";
  #running: Promise<unknown> = Promise.resolve();

  constructor(settings: ForwardSettings, ports: ForwardPorts, timings: ForwardTimings = FORWARD_TIMINGS) {
    this.#timings = timings;
    this.#settings = settings;
    this.#ports = ports;
    this.#tail = new Tail(settings.windowMs);
    this.#link = new Link(ports.log, () => ports.clock.wallMs());
    const poster = () => new Poster(settings.url, settings.key, POST_TIMINGS, settings.caFile);
    this.#live = poster();
    this.#backlog = poster();
    ports.outbox.onStored((rows, firstSeq) => this.#stored(rows, firstSeq));
  }

  /** A rotated key, from the next request on. */
  useKey(key: string): void {
    this.#live.useKey(key);
    this.#backlog.useKey(key);
  }

  get link(): Link {
    return this.#link;
  }

  /** Seconds the backlog still takes at the server's present pace; null when unknown. */
  get drainSeconds(): number | null {
    const waiting = this.#ports.outbox.state?.waiting ?? 0;
    if (waiting === 0) return 0;
    return this.#pace.eventsPerSecond === 0 || !this.#link.ok ? null : Math.ceil(waiting / this.#pace.eventsPerSecond);
  }

  start(opened: Opened): void {
    this.#running = this.#run(opened);
  }

  /** What the report tells has changed: the server hears it now, not at the next heartbeat. */
  reportChanged(): void {
    this.#reportDue = true;
    this.#liveSignal.raise();
  }

  /** Sends what is in the live lane while the server takes it, for `drainMs` at most, then ends both lanes. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    this.#liveSignal.raise();
    this.#backlogSignal.raise();
    const enough = new AbortController();
    await Promise.race([this.#running, sleep(drainMs, enough.signal)]);
    enough.abort();
    this.#live.close();
    this.#backlog.close();
    await this.#running;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(opened: Opened): Promise<void> {
    if (await this.#hello(opened)) await Promise.all([this.#runLive(), this.#runBacklog()]);
  }

  /**
   * Asks how far the server holds this stream. More than this file ever had: it is an old copy, and what it has captured
   * since must not take the seqs of events the server already knows.
   */
  async #hello({ state, highestAtOpen }: Opened): Promise<boolean> {
    const delays = this.#delays();
    while (!this.#stopped) {
      const { base, stream } = this.#state;
      // What was captured since may yet move to another stream: it is not said to be of this one.
      const answer = await this.#heartbeat(highestAtOpen);
      if (answer.kind === "reply") {
        const received = answer.reply.received_to ?? 0;
        if (stream === state.stream && received > highestAtOpen - base)
          await this.#fork(highestAtOpen, received + base);
        return true;
      }
      await this.#pause(judge(answer, 0, this.#settings.url), delays);
    }
    return false;
  }

  async #fork(highestAtOpen: number, receivedTo: number): Promise<void> {
    await this.#ports.outbox.fork(
      highestAtOpen,
      `the server has seq ${receivedTo}, this outbox only ${highestAtOpen}: it is an old copy`,
    );
  }

  async #runLive(): Promise<void> {
    const delays = this.#delays();
    while (!this.#stopped || (this.#tail.count > 0 && this.#link.ok)) {
      if (this.#tail.count === 0 && this.#link.ok) await this.#idle();
      else if (this.#tail.count < LINGER_EVENTS_MAX && !this.#stopped) await sleep(LINGER_MS);
      const underWay = this.#sendLive();
      this.#liveUnderWay = underWay;
      const verdict = await underWay;
      this.#liveUnderWay = null;
      if (verdict === null) this.#reset(delays);
      else if (verdict.act === "retry" || verdict.act === "wait") await this.#pause(verdict, delays);
    }
  }

  /** Waits for events; says that it lives when none come. */
  async #idle(): Promise<void> {
    const silentMs = this.#ports.clock.monoMs() - this.#lastSentMono;
    await this.#liveSignal.wait(Math.max(0, this.#timings.heartbeatMs - silentMs));
  }

  async #sendLive(): Promise<Verdict | null> {
    const { base, stream, highest, oldestOfStream: oldestUnacked } = this.#state;
    const batch = this.#tail.batch(this.#now, base);
    if (this.#tail.lowest === null || batch === null) this.#backlogSignal.raise();
    if (batch === null) return this.#sendReport();
    const sending = { lane: "live" as const, stream, base, highest, oldestUnacked, lines: batch.lines };
    const answer = await this.#post(this.#live, sending);
    if (answer.kind === "reply") {
      this.#tail.dropThrough(batch.to);
      return null;
    }
    const verdict = judge(answer, batch.count, this.#settings.url);
    if (verdict.act === "split" || verdict.act === "set_aside") {
      // The backlog lane finds the one to blame; live goes on with what comes next.
      this.#tail.dropThrough(batch.to);
      this.#backlogSignal.raise();
    }
    return verdict;
  }

  async #sendReport(): Promise<Verdict | null> {
    const due =
      this.#reportDue || !this.#link.ok || this.#ports.clock.monoMs() - this.#lastSentMono >= this.#timings.heartbeatMs;
    if (!due || this.#stopped) return null;
    const answer = await this.#heartbeat();
    return answer.kind === "reply" ? null : judge(answer, 0, this.#settings.url);
  }

  async #heartbeat(highest = this.#state.highest): Promise<Answer> {
    const { base, stream, oldestOfStream: oldestUnacked } = this.#state;
    return this.#post(this.#live, { lane: "live", stream, base, highest, oldestUnacked, lines: NO_LINES });
  }

  async #runBacklog(): Promise<void> {
    const delays = this.#delays();
    while (!this.#stopped) {
      // While the server is away only the live lane knocks: what is young goes first when it is back.
      if (!this.#link.ok) await this.#untilLinked();
      const batch = this.#link.ok ? await this.#nextBatch() : null;
      this.#tellFinishedWindows();
      if (batch === null) await this.#backlogSignal.wait(BACKLOG_LOOK_MS);
      else {
        const verdict = await this.#sendBacklog(batch);
        if (verdict === null) this.#reset(delays);
        else if (verdict.act === "retry" || verdict.act === "wait") await this.#pause(verdict, delays);
      }
    }
  }

  /** Somebody may be waiting for a window: that it is done is told now, not with the next heartbeat. */
  #tellFinishedWindows(): void {
    const finished = this.#state.windows.filter(({ left }) => left === 0).map(({ id }) => id);
    const text = finished.join(" ");
    if (text !== this.#finishedWindows) this.reportChanged();
    this.#finishedWindows = text;
  }

  async #nextBatch(): Promise<Batch | null> {
    const { outbox } = this.#ports;
    const { eventsMax, bytesMax } = this.#pace;
    const limits = { eventsMax, bytesMax, windowMs: this.#settings.windowMs };
    for (let piece = this.#pieces.next(); piece !== null; piece = this.#pieces.next()) {
      const batch = await outbox.read({ ...limits, before: Number.MAX_SAFE_INTEGER, within: piece });
      if (batch !== null) return batch;
      this.#pieces.finished();
    }
    const { highest, oldestUnacked } = this.#state;
    const before = this.#tail.lowest ?? highest + 1;
    if (oldestUnacked === null || oldestUnacked >= before) return null;
    return outbox.read({ ...limits, before });
  }

  async #sendBacklog(batch: Batch): Promise<Verdict | null> {
    if (this.#liveUnderWay !== null) await Promise.race([this.#liveUnderWay, sleep(YIELD_MS_MAX)]);
    const startedAt = this.#ports.clock.monoMs();
    const answer = await this.#post(this.#backlog, { ...batch, lane: "backlog" });
    // Sent or not, the lines are not needed again: given back at once, they do not wait for the next collection.
    batch.lines.buffer.transfer(0);
    if (answer.kind === "reply") {
      this.#pace.took(this.#ports.clock.monoMs() - startedAt, batch.count);
      if (answer.reply.acked.length > 0) return null;
      const problem = `the server ${this.#settings.url} took a batch and acked nothing of it. The agent keeps trying`;
      return { act: "retry", problem, retryAfterMs: 0 };
    }
    const verdict = judge(answer, batch.count, this.#settings.url);
    if (verdict.act === "split") this.#split(batch, verdict);
    if (verdict.act === "set_aside") this.#setAside(batch, verdict.reason);
    return verdict;
  }

  #split(batch: Batch, { seq, tooLarge }: { seq: number | null; tooLarge: boolean }): void {
    if (tooLarge) this.#pace.tooLarge();
    this.#pieces.split(batch.ranges, seq === null ? null : seq + batch.base);
  }

  #setAside(batch: Batch, reason: string): void {
    const seq = batch.ranges[0]?.[0];
    if (seq !== undefined) this.#ports.outbox.setAside(seq, reason);
  }

  async #post(poster: Poster, sending: Sending): Promise<Answer> {
    const { highestAcked } = this.#state;
    const sentMono = this.#ports.clock.monoMs();
    const answer = await poster.post(this.#header(sending), sending.lines);
    if (answer.kind !== "reply") return answer;
    this.#lastSentMono = this.#ports.clock.monoMs();
    this.#reportDue = false;
    this.#link.answered(this.#lastSentMono - sentMono, answer.reply.time);
    this.#obey(answer.reply, sending, highestAcked);
    return answer;
  }

  #header({ lane, stream, base, highest, oldestUnacked }: Sending): IngestHeader {
    return {
      v: WIRE_VERSION,
      stream,
      lane,
      agent: this.#settings.agent,
      sent_at: Math.max(0, this.#ports.clock.wallMs()),
      highest_seq: Math.max(0, highest - base),
      oldest_unacked: oldestUnacked === null ? null : Math.max(1, oldestUnacked - base),
      waiting: this.#state.waiting,
      windows: this.#state.windows,
      report: this.#ports.report(),
    };
  }

  #obey(reply: IngestReply, { stream, base }: Sending, ackedBefore: number): void {
    const { outbox } = this.#ports;
    if (reply.acked.length > 0) outbox.ack(reply.acked.map(([from, to]): SeqRange => [from + base, to + base]));
    if (reply.received_to !== undefined && stream === this.#state.stream)
      this.#compare(reply.received_to + base, ackedBefore);
    for (const command of reply.commands) {
      this.#ports.log.info({ command: command.do }, "the server asks for events");
      if (command.do === "resend_ranges") outbox.resend(stream, command.ranges);
      if (command.do === "resend_window") outbox.resendWindow(command.id, command.from, command.to);
    }
    if (reply.commands.length > 0) this.#backlogSignal.raise();
  }

  /** A server that has less than it had acked was restored from a backup: it gets the rest again. */
  #compare(receivedTo: number, ackedBefore: number): void {
    const now = this.#ports.clock.monoMs();
    if (receivedTo >= ackedBefore || ackedBefore <= this.#state.base) return;
    if (now - this.#lastResendAboveMono < RESEND_ABOVE_MS_MIN) return;
    this.#lastResendAboveMono = now;
    this.#ports.log.warn({ receivedTo, ackedBefore }, "the server has lost events it had acked: they are sent again");
    this.#ports.outbox.resendAbove(receivedTo);
    this.#backlogSignal.raise();
  }

  #stored(rows: readonly CapturedRow[], firstSeq: number): void {
    this.#tail.push(rows, firstSeq, this.#now);
    this.#liveSignal.raise();
  }

  #delays(): { retry: Backoff; wait: Backoff } {
    const { random } = this.#ports;
    return { retry: new Backoff(this.#timings.retry, random), wait: new Backoff(this.#timings.wait, random) };
  }

  #reset({ retry, wait }: { retry: Backoff; wait: Backoff }): void {
    retry.succeeded();
    wait.succeeded();
  }

  async #pause(verdict: Verdict, { retry, wait }: { retry: Backoff; wait: Backoff }): Promise<void> {
    if (verdict.act === "retry") {
      this.#link.broke("unreachable", verdict.problem);
      await sleep(retry.failed(verdict.retryAfterMs), this.#stopping.signal);
    } else if (verdict.act === "wait") {
      this.#link.broke("refused", verdict.problem);
      await sleep(wait.failed(), this.#stopping.signal);
    } else await sleep(this.#timings.retry.retryDelayMsMax, this.#stopping.signal);
  }

  /** Has the live lane knock, and waits until the server answers it. */
  async #untilLinked(): Promise<void> {
    this.#liveSignal.raise();
    const linked = new AbortController();
    this.#unlinked = linked;
    await sleep(this.#timings.heartbeatMs, linked.signal);
  }

  #wake(): void {
    this.#unlinked?.abort();
    this.#unlinked = null;
  }

  get #state(): OutboxState {
    const { state } = this.#ports.outbox;
    if (state === null) throw new Error("the forwarder was started before the outbox was open");
    return state;
  }

  get #now(): { wallMs: number; monoMs: number } {
    return { wallMs: this.#ports.clock.wallMs(), monoMs: this.#ports.clock.monoMs() };
  }
}
