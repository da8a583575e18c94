import type { CapturedRow } from "../capture.ts";
import type { Clock } from "../clock.ts";
import { Signal } from "../signal.ts";
import type { Exchange } from "./exchange.ts";
import type { Link } from "./link.ts";
import type { Patience } from "./patience.ts";
import type { Answer, Poster } from "./post.ts";
import { Tail } from "./tail.ts";
import { judge, type Verdict } from "./verdict.ts";

const NO_LINES = new Uint8Array(0);

export interface LaneSettings {
  url: string;
  windowMs: number;
}

export interface LanePorts {
  exchange: Exchange;
  link: Link;
  poster: Poster;
  patience: Patience;
  stopping: AbortSignal;
  clock: Clock;
}

export interface LiveLanePorts extends LanePorts {
  heartbeatMs: number;
  /** There may be something for the backlog lane. */
  leftBehind(): void;
}

/**
 * Sends the newest events as they come, and says that the agent lives when none do. One request at a time: what comes while it
 * is under way leaves with the next.
 */
export class LiveLane {
  readonly #settings: LaneSettings;
  readonly #ports: LiveLanePorts;
  readonly #tail: Tail;
  readonly #signal = new Signal();
  /** The request on its way; null when there is none. */
  underWay: Promise<unknown> | null = null;

  constructor(settings: LaneSettings, ports: LiveLanePorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#tail = new Tail(settings.windowMs);
  }

  /** Lowest seq this lane has; everything below is backlog. */
  get lowest(): number | null {
    return this.#tail.lowest;
  }

  stored(rows: readonly CapturedRow[], firstSeq: number): void {
    this.#tail.push(rows, firstSeq, this.#now);
    this.#signal.raise();
  }

  /** Looks at once whether there is something to send or to say. */
  wake(): void {
    this.#signal.raise();
  }

  async run(): Promise<void> {
    const { link, patience } = this.#ports;
    while (!this.#stopped || (this.#tail.count > 0 && link.ok)) {
      if (this.#tail.count === 0 && link.ok) await this.#idle();
      const underWay = this.#send();
      this.underWay = underWay;
      const verdict = await underWay;
      this.underWay = null;
      await patience.after(verdict);
    }
  }

  /** @param highest the highest seq to be said of the stream. */
  async heartbeat(highest = this.#ports.exchange.state.highest): Promise<Answer> {
    const { exchange, poster } = this.#ports;
    const { base, stream, oldestOfStream: oldestUnacked, acked } = exchange.state;
    return exchange.post(poster, { lane: "live", stream, base, highest, oldestUnacked, acked, lines: NO_LINES });
  }

  get #stopped(): boolean {
    return this.#ports.stopping.aborted;
  }

  /** Waits for events; says that it lives when none come. */
  async #idle(): Promise<void> {
    const { exchange, heartbeatMs } = this.#ports;
    await this.#signal.wait(Math.max(0, heartbeatMs - exchange.silentMs));
  }

  async #send(): Promise<Verdict | null> {
    const { exchange, poster, leftBehind } = this.#ports;
    const { base, stream, highest, oldestOfStream: oldestUnacked, acked } = exchange.state;
    const batch = this.#tail.batch(this.#now, base);
    if (this.#tail.lowest === null || batch === null) leftBehind();
    if (batch === null) return this.#sendReport();
    const sending = { lane: "live" as const, stream, base, highest, oldestUnacked, acked, lines: batch.lines };
    const answer = await exchange.post(poster, sending);
    if (answer.kind === "reply") {
      this.#tail.dropThrough(batch.to);
      return null;
    }
    const verdict = judge(answer, batch.count, this.#settings.url);
    if (verdict.act === "split" || verdict.act === "set_aside") {
      // The backlog lane finds the one to blame; live goes on with what comes next.
      this.#tail.dropThrough(batch.to);
      leftBehind();
    }
    return verdict;
  }

  async #sendReport(): Promise<Verdict | null> {
    const { exchange, link, heartbeatMs } = this.#ports;
    const due = exchange.reportDue || !link.ok || exchange.silentMs >= heartbeatMs;
    if (!due || this.#stopped) return null;
    const answer = await this.heartbeat();
    return answer.kind === "reply" ? null : judge(answer, 0, this.#settings.url);
  }

  get #now(): { wallMs: number; monoMs: number } {
    return { wallMs: this.#ports.clock.wallMs(), monoMs: this.#ports.clock.monoMs() };
  }
}
