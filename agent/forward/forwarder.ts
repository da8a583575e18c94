import type { Logger } from "../../shared/log.ts";
import type { AgentReport } from "../../shared/wire.ts";
import type { Clock } from "../clock.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Opened } from "../outbox/protocol.ts";
import { sleep } from "../sleep.ts";
import { BacklogLane } from "./backlog-lane.ts";
import { Exchange, type FileWindows } from "./exchange.ts";
import { Link } from "./link.ts";
import { LiveLane, type LaneSettings } from "./live-lane.ts";
import { Patience, type PatienceBounds } from "./patience.ts";
import { Poster, POST_TIMINGS } from "./post.ts";
import { judge } from "./verdict.ts";

export interface ForwardTimings extends PatienceBounds {
  heartbeatMs: number;
}

export const FORWARD_TIMINGS: ForwardTimings = {
  retry: { retryDelayMsBase: 100, retryDelayMsMax: 2_000 },
  wait: { retryDelayMsBase: 2_000, retryDelayMsMax: 30_000 },
  heartbeatMs: 10_000,
};

export interface ForwardSettings extends LaneSettings {
  key: string;
  /** Certificates of the company's own authority, PEM; none when absent. */
  caFile?: string;
  agent: string;
}

export interface ForwardPorts {
  clock: Clock;
  random: () => number;
  log: Logger;
  outbox: Outbox;
  report(): AgentReport;
  files: FileWindows;
}

/**
 * Sends what the outbox has. Two lanes, one request each: live sends the newest events as they come, backlog the oldest
 * ones the server has not got. Nothing is sent before a first heartbeat has told whether the outbox is an old copy.
 */
export class Forwarder {
  readonly #url: string;
  readonly #outbox: Outbox;
  readonly #posters: Poster[] = [];
  readonly #exchange: Exchange;
  readonly #live: LiveLane;
  readonly #backlog: BacklogLane;
  readonly #patience: () => Patience;
  readonly #stopping = new AbortController();
  readonly link: Link;
  #running: Promise<unknown> = Promise.resolve();

  constructor(settings: ForwardSettings, ports: ForwardPorts, timings: ForwardTimings = FORWARD_TIMINGS) {
    const { clock, log, outbox, random, report, files } = ports;
    const { agent } = settings;
    const stopping = this.#stopping.signal;
    this.#url = settings.url;
    this.#outbox = outbox;
    const linked = () => this.#backlog.linked();
    const link = new Link(log, () => clock.wallMs(), linked);
    this.link = link;
    this.#patience = () => new Patience(timings, random, link, stopping);
    const leftBehind = () => this.#backlog.wake();
    const wanted = () => this.#backlog.wanted();
    const exchange = new Exchange({ clock, log, outbox, link, agent, report, wanted, files });
    this.#exchange = exchange;
    const lane = () => ({
      exchange,
      link,
      stopping,
      clock,
      poster: this.#poster(settings),
      patience: this.#patience(),
    });
    const { heartbeatMs } = timings;
    const live = new LiveLane(settings, { ...lane(), heartbeatMs, leftBehind });
    const windowFinished = () => this.reportChanged();
    this.#live = live;
    this.#backlog = new BacklogLane(settings, { ...lane(), outbox, live, unlinkedMsMax: heartbeatMs, windowFinished });
    outbox.onStored((rows, firstSeq) => live.stored(rows, firstSeq));
  }

  /** A rotated key, from the next request on. */
  useKey(key: string): void {
    for (const poster of this.#posters) poster.useKey(key);
  }

  /** Seconds the backlog still takes at the server's present pace; null when unknown. */
  get drainSeconds(): number | null {
    const waiting = this.#outbox.state?.waiting ?? 0;
    const { eventsPerSecond } = this.#backlog.pace;
    if (waiting === 0) return 0;
    return eventsPerSecond === 0 || !this.link.ok ? null : Math.ceil(waiting / eventsPerSecond);
  }

  start(opened: Opened): void {
    this.#running = this.#run(opened);
  }

  /** What the report tells has changed: the server hears it now, not at the next heartbeat. */
  reportChanged(): void {
    this.#exchange.reportDue = true;
    this.#live.wake();
  }

  /** Sends what is in the live lane while the server takes it, for `drainMs` at most, then ends both lanes. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    this.#live.wake();
    this.#backlog.linked();
    this.#backlog.wake();
    const enough = new AbortController();
    await Promise.race([this.#running, sleep(drainMs, enough.signal)]);
    enough.abort();
    for (const poster of this.#posters) poster.close();
    await this.#running;
  }

  #poster({ url, key, caFile }: ForwardSettings): Poster {
    const poster = new Poster(url, key, POST_TIMINGS, caFile);
    this.#posters.push(poster);
    return poster;
  }

  async #run(opened: Opened): Promise<void> {
    if (await this.#hello(opened)) await Promise.all([this.#live.run(), this.#backlog.run()]);
  }

  /**
   * Asks how far the server holds this stream. More than this file ever had: it is an old copy, and what it has captured
   * since must not take the seqs of events the server already knows.
   */
  async #hello({ state, highestAtOpen }: Opened): Promise<boolean> {
    const patience = this.#patience();
    while (!this.#stopping.signal.aborted) {
      const { base, stream } = this.#exchange.state;
      // What was captured since may yet move to another stream: it is not said to be of this one.
      const answer = await this.#live.heartbeat(highestAtOpen);
      if (answer.kind === "reply") {
        const received = answer.reply.received_to ?? 0;
        if (stream === state.stream && received > highestAtOpen - base)
          await this.#fork(highestAtOpen, received + base);
        return true;
      }
      await patience.hold(judge(answer, 0, this.#url));
    }
    return false;
  }

  async #fork(highestAtOpen: number, receivedTo: number): Promise<void> {
    await this.#outbox.fork(
      highestAtOpen,
      `the server has seq ${receivedTo}, this outbox only ${highestAtOpen}: it is an old copy`,
    );
  }
}
