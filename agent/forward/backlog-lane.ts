import type { Outbox } from "../outbox/outbox.ts";
import type { Batch } from "../outbox/protocol.ts";
import { Signal } from "../signal.ts";
import { sleep } from "../sleep.ts";
import type { LanePorts, LaneSettings, LiveLane } from "./live-lane.ts";
import { Pace } from "./pace.ts";
import { Pieces } from "./pieces.ts";
import { judge, type Verdict } from "./verdict.ts";

const LOOK_MS = 1_000;
/** How often the server is asked whether it still has what it acked of earlier streams. */
const COMPARE_MS = 60_000;
const NO_LINES = new Uint8Array(0);
/** How long a backlog batch lets a live one go first. */
const YIELD_MS_MAX = 100;

export interface BacklogLanePorts extends LanePorts {
  outbox: Outbox;
  live: LiveLane;
  /** How long the live lane's answer is waited for while the server is away. */
  unlinkedMsMax: number;
  /** A window of time the server asked for is sent. */
  windowFinished(): void;
}

/** Sends the oldest events the server has not got, one request at a time, and lets live events go first. */
export class BacklogLane {
  readonly #settings: LaneSettings;
  readonly #ports: BacklogLanePorts;
  readonly #pieces = new Pieces();
  readonly #signal = new Signal();
  readonly #linked = new Signal();
  readonly pace = new Pace();
  #finishedWindows = "";
  #comparedMono = Number.NEGATIVE_INFINITY;
  #comparedLinkSinceMs = 0;

  constructor(settings: LaneSettings, ports: BacklogLanePorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Looks at once whether there is something to send. */
  wake(): void {
    this.#signal.raise();
  }

  /** The server lacks what it had: it may lack more. */
  wanted(): void {
    this.#comparedMono = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** The server answers, or is not waited for any more. */
  linked(): void {
    this.#linked.raise();
  }

  async run(): Promise<void> {
    const { link, stopping, patience, live, unlinkedMsMax } = this.#ports;
    while (!stopping.aborted) {
      // While the server is away only the live lane knocks: what is young goes first when it is back.
      if (!link.ok) {
        live.wake();
        await this.#linked.wait(unlinkedMsMax);
      }
      await this.#compareOlder();
      const batch = link.ok ? await this.#nextBatch() : null;
      this.#tellFinishedWindows();
      if (batch === null) await this.#signal.wait(LOOK_MS);
      else await patience.after(await this.#send(batch));
    }
  }

  /**
   * A server that was put back to an older copy also lacks what it had acked of earlier streams, of which nothing more is sent:
   * now and then, whenever it answers again and before anything else is sent again, it is told how far each goes, and asks for
   * what it lacks. So what is older comes first, and no call is told from its end alone.
   */
  async #compareOlder(): Promise<void> {
    const { outbox, exchange, poster, link, clock } = this.#ports;
    const { sinceMs } = link.state;
    if (!link.ok || (sinceMs === this.#comparedLinkSinceMs && clock.monoMs() - this.#comparedMono < COMPARE_MS)) return;
    [this.#comparedLinkSinceMs, this.#comparedMono] = [sinceMs, clock.monoMs()];
    for (const older of await outbox.older()) {
      const answer = await exchange.post(poster, { ...older, lane: "backlog", lines: NO_LINES });
      if (answer.kind !== "reply") return;
    }
  }

  /** Somebody may be waiting for a window: that it is done is told now, not with the next heartbeat. */
  #tellFinishedWindows(): void {
    const finished = this.#ports.exchange.windows.filter(({ left }) => left === 0).map(({ id }) => id);
    const text = finished.join(" ");
    if (text !== this.#finishedWindows) this.#ports.windowFinished();
    this.#finishedWindows = text;
  }

  async #nextBatch(): Promise<Batch | null> {
    const { outbox, live, exchange } = this.#ports;
    const { eventsMax, bytesMax } = this.pace;
    const limits = { eventsMax, bytesMax, windowMs: this.#settings.windowMs };
    for (let piece = this.#pieces.next(); piece !== null; piece = this.#pieces.next()) {
      const batch = await outbox.read({ ...limits, before: Number.MAX_SAFE_INTEGER, within: piece });
      if (batch !== null) return batch;
      this.#pieces.finished();
    }
    const { highest, oldestUnacked } = exchange.state;
    const before = live.lowest ?? highest + 1;
    if (oldestUnacked === null || oldestUnacked >= before) return null;
    return outbox.read({ ...limits, before });
  }

  async #send(batch: Batch): Promise<Verdict | null> {
    const { live, clock, exchange, poster } = this.#ports;
    if (live.underWay !== null) await Promise.race([live.underWay, sleep(YIELD_MS_MAX)]);
    const startedAt = clock.monoMs();
    const answer = await exchange.post(poster, { ...batch, lane: "backlog" });
    // Sent or not, the lines are not needed again: given back at once, they do not wait for the next collection.
    batch.lines.buffer.transfer(0);
    if (answer.kind === "reply") {
      this.pace.took(clock.monoMs() - startedAt, batch.count);
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
    if (tooLarge) this.pace.tooLarge();
    this.#pieces.split(batch.ranges, seq === null ? null : seq + batch.base);
  }

  #setAside(batch: Batch, reason: string): void {
    const seq = batch.ranges[0]?.[0];
    if (seq !== undefined) this.#ports.outbox.setAside(seq, reason);
  }
}
