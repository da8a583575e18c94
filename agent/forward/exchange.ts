import type { Logger } from "../../shared/log.ts";
import type { AgentReport, IngestHeader, IngestReply, Lane, SeqRange, WindowReport } from "../../shared/wire.ts";
import { WIRE_VERSION } from "../../shared/wire-constants.ts";
import type { Clock } from "../clock.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { OutboxState } from "../outbox/protocol.ts";
import type { Link } from "./link.ts";
import type { Answer, Poster } from "./post.ts";

/** A server that has less than it acked is believed once in this time. */
const RESEND_ABOVE_MS_MIN = 10_000;

/** Seqs as the outbox has them. */
export interface Sending {
  lane: Lane;
  stream: string;
  base: number;
  highest: number;
  oldestUnacked: number | null;
  /** As on the wire. */
  acked: SeqRange[];
  lines: Uint8Array;
}

export interface ExchangePorts {
  clock: Clock;
  log: Logger;
  outbox: Outbox;
  link: Link;
  /** Named in every header. */
  agent: string;
  report(): AgentReport;
  /** The server wants events again. */
  wanted(): void;
  /** What Asterisk's own files add to the windows the server asks for. */
  files: FileWindows;
}

/** The windows of the server, as whoever reads Asterisk's own files sees them. */
export interface FileWindows {
  /** Epoch ms. */
  asked(id: string, from: number, to: number): void;
  windows(reports: readonly WindowReport[]): WindowReport[];
}

/** One request and what its answer means: header, ack, commands, and a server that has lost what it had acked. */
export class Exchange {
  readonly #ports: ExchangePorts;
  #lastSentMono = 0;
  #lastResendAboveMono = Number.NEGATIVE_INFINITY;
  /** What the report tells has changed since the server heard it. */
  reportDue = false;

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
  }

  /** For how long the server has answered nothing, ms. */
  get silentMs(): number {
    return this.#ports.clock.monoMs() - this.#lastSentMono;
  }

  get state(): OutboxState {
    const { state } = this.#ports.outbox;
    if (state === null) throw new Error("the forwarder was started before the outbox was open");
    return state;
  }

  /** How far each window is that the server asked for. */
  get windows(): WindowReport[] {
    return this.#ports.files.windows(this.state.windows);
  }

  async post(poster: Poster, sending: Sending): Promise<Answer> {
    const { clock, link } = this.#ports;
    const { highestAcked } = this.state;
    const sentMono = clock.monoMs();
    const wasDue = this.reportDue;
    // What becomes due from here on is not in this header.
    this.reportDue = false;
    const answer = await poster.post(this.#header(sending), sending.lines);
    if (answer.kind !== "reply") {
      this.reportDue ||= wasDue;
      return answer;
    }
    this.#lastSentMono = clock.monoMs();
    link.answered(this.#lastSentMono - sentMono, answer.reply.time);
    this.#obey(answer.reply, sending, highestAcked);
    return answer;
  }

  #header({ lane, stream, base, highest, oldestUnacked, acked }: Sending): IngestHeader {
    return {
      v: WIRE_VERSION,
      stream,
      lane,
      agent: this.#ports.agent,
      sent_at: Math.max(0, this.#ports.clock.wallMs()),
      highest_seq: Math.max(0, highest - base),
      oldest_unacked: oldestUnacked === null ? null : Math.max(1, oldestUnacked - base),
      waiting: this.state.waiting,
      acked,
      windows: this.windows,
      report: this.#ports.report(),
    };
  }

  #obey(reply: IngestReply, { stream, base }: Sending, ackedBefore: number): void {
    const { outbox, log, wanted, files } = this.#ports;
    if (reply.acked.length > 0) outbox.ack(reply.acked.map(([from, to]): SeqRange => [from + base, to + base]));
    if (reply.received_to !== undefined && stream === this.state.stream)
      this.#compare(reply.received_to + base, ackedBefore);
    for (const command of reply.commands) {
      log.info({ command: command.do }, "the server asks for events");
      if (command.do === "resend_ranges") outbox.resend(stream, command.ranges);
      if (command.do === "resend_window") {
        outbox.resendWindow(command.id, command.from, command.to);
        files.asked(command.id, command.from, command.to);
      }
    }
    if (reply.commands.length > 0) wanted();
  }

  /** A server that has less than it had acked was restored from a backup: it gets the rest again. */
  #compare(receivedTo: number, ackedBefore: number): void {
    const { clock, log, outbox, wanted } = this.#ports;
    const now = clock.monoMs();
    if (receivedTo >= ackedBefore || ackedBefore <= this.state.base) return;
    if (now - this.#lastResendAboveMono < RESEND_ABOVE_MS_MIN) return;
    this.#lastResendAboveMono = now;
    log.warn({ receivedTo, ackedBefore }, "the server has lost events it had acked: they are sent again");
    outbox.resendAbove(receivedTo);
    wanted();
  }
}
