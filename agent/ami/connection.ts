import { connect, type Socket } from "node:net";
import { messageOf } from "../../shared/errors.ts";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { AMI_LIMITS, FrameReader } from "../../shared/ami-frame.ts";
import { readGreeting, silentPort, type AmiProblem } from "./greeting.ts";
import { firstOf, readMessage, type Headers } from "../../shared/ami-message.ts";

export interface AmiAddress {
  host: string;
  port: number;
}

export interface ConnectionTimings {
  connectMs: number;
  /** Silence after which the port is spoken to, and then given up. */
  greetingMs: number;
  /** How long an action may go unanswered while nothing else arrives either. */
  actionMs: number;
}

export const CONNECTION_TIMINGS: ConnectionTimings = { connectMs: 5_000, greetingMs: 3_000, actionMs: 10_000 };

interface Waiting {
  resolve(headers: Headers): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Thrown when a connection cannot be opened or an action cannot be answered. */
export class AmiError extends Error {
  readonly ami: AmiProblem;
  constructor(ami: AmiProblem) {
    super(ami.problem);
    this.name = "AmiError";
    this.ami = ami;
  }
}

/**
 * One TCP connection to AMI, never used again once closed. Modes: opening (waits for the greeting), open, closed.
 * Events are handed over chunk by chunk as they are read; the socket is never paused.
 */
export class AmiConnection {
  /** Resolves with the reason when the connection is over, whoever ended it. */
  readonly closed: Promise<string>;
  amiVersion = "";
  lastHeardAt: number;

  readonly #socket: Socket;
  readonly #where: string;
  readonly #timings: ConnectionTimings;
  readonly #nowMs: () => number;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<string, Waiting>();
  #onEvents: (events: AmiEvent[]) => void = () => {};
  #greeting: ((text: string) => boolean) | null = null;
  #greetingText: Buffer = Buffer.alloc(0);
  #actions = 0;
  #failure: string | null = null;

  private constructor(socket: Socket, where: string, timings: ConnectionTimings, nowMs: () => number) {
    this.#socket = socket;
    this.#where = where;
    this.#timings = timings;
    this.#nowMs = nowMs;
    this.lastHeardAt = nowMs();
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => (this.#failure ??= messageOf(error)));
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(this.#finished())));
  }

  /**
   * Connects and reads the greeting.
   * @throws AmiError in plain words when nothing listens, or something other than a usable AMI does.
   */
  static async open(
    address: AmiAddress,
    nowMs: () => number,
    timings: ConnectionTimings = CONNECTION_TIMINGS,
  ): Promise<AmiConnection> {
    const where = `${address.host}:${address.port}`;
    const socket = await openSocket(address, where, timings.connectMs);
    const connection = new AmiConnection(socket, where, timings, nowMs);
    try {
      await connection.#greet();
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** From now on events go to `listener`, in groups as they were read. */
  onEvents(listener: (events: AmiEvent[]) => void): void {
    this.#onEvents = listener;
  }

  /**
   * Sends an action and resolves with its response, whether Success or Error.
   * @throws AmiError when the connection ends or stays silent instead of answering.
   */
  async action(name: string, headers: Record<string, string> = {}): Promise<Headers> {
    const id = `ringpost-${++this.#actions}`;
    return this.actionWithId(id, name, headers);
  }

  /** Like action, under an id the caller chose, for actions answered by a list of events. */
  async actionWithId(id: string, name: string, headers: Record<string, string> = {}): Promise<Headers> {
    const lines = [
      `Action: ${name}`,
      `ActionID: ${id}`,
      ...Object.entries(headers).map(([key, value]) => `${key}: ${value}`),
    ];
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(this.#gone(name));
      this.#waiting.set(id, { resolve, reject, timer: this.#deadline(id, name) });
      this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    });
  }

  /** Ends the connection; `closed` tells `why`. */
  close(why: string): void {
    this.#failure ??= why;
    this.#socket.destroy();
  }

  /** Bytes arriving are life: behind a flood of events an answer may take longer than `actionMs`. */
  #deadline(id: string, name: string): NodeJS.Timeout {
    return setTimeout(() => {
      const waiting = this.#waiting.get(id);
      if (waiting === undefined) return;
      const silentMs = this.#nowMs() - this.lastHeardAt;
      if (silentMs < this.#timings.actionMs) waiting.timer = this.#deadline(id, name);
      else this.close(`no answer to ${name} for ${Math.round(silentMs / 1000)} s`);
    }, this.#timings.actionMs);
  }

  #read(chunk: Buffer): void {
    this.lastHeardAt = this.#nowMs();
    if (this.#greeting !== null) chunk = this.#readGreeting(chunk);
    if (chunk.length === 0) return;
    const events: AmiEvent[] = [];
    for (const frame of this.#reader.push(chunk)) {
      const message = readMessage(frame);
      if (message.kind === "event") events.push(message.event);
      else this.#answered(message.headers);
    }
    if (events.length > 0) this.#onEvents(events);
  }

  #readGreeting(chunk: Buffer): Buffer {
    const text = Buffer.concat([this.#greetingText, chunk]);
    const end = text.indexOf("\n");
    if (end < 0 && text.length < AMI_LIMITS.greetingBytesMax) {
      this.#greetingText = text;
      return text.subarray(text.length);
    }
    const accepted = this.#greeting?.(text.subarray(0, end < 0 ? text.length : end).toString("latin1"));
    this.#greeting = null;
    this.#greetingText = Buffer.alloc(0);
    return accepted === true ? text.subarray(end + 1) : text.subarray(text.length);
  }

  /** A web server waits to be spoken to: after a silence, a line that AMI would take and others answer with a refusal. */
  async #greet(): Promise<void> {
    const { greetingMs } = this.#timings;
    const probe = setTimeout(() => this.#socket.write("Action: Ping\r\n\r\n"), greetingMs);
    let giveUp: NodeJS.Timeout | undefined;
    try {
      const text = await new Promise<string>((resolve, reject) => {
        this.#greeting = (line) => (resolve(line), !("kind" in readGreeting(line, this.#where)));
        giveUp = setTimeout(() => reject(new AmiError(silentPort(this.#where, greetingMs * 2))), greetingMs * 2);
        void this.closed.then((why) => reject(new AmiError(this.#closedEarly(why))));
      });
      const greeting = readGreeting(text, this.#where);
      if ("kind" in greeting) throw new AmiError(greeting);
      this.amiVersion = greeting.amiVersion;
    } finally {
      clearTimeout(probe);
      clearTimeout(giveUp);
    }
  }

  #closedEarly(why: string): AmiProblem {
    const said = this.#greetingText.toString("latin1");
    if (said !== "") {
      const greeting = readGreeting(said, this.#where);
      if ("kind" in greeting) return greeting;
    }
    return {
      kind: "unreachable",
      problem: `${this.#where} closed the connection before saying anything (${why}). Check that manager.conf permits this machine's address`,
    };
  }

  #answered(headers: Headers): void {
    const id = firstOf(headers["ActionID"]);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(headers);
  }

  #finished(): string {
    const reason = this.#failure ?? "Asterisk closed the connection";
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#gone(reason));
    }
    this.#waiting.clear();
    return reason;
  }

  #gone(reason: string): AmiError {
    return new AmiError({ kind: "unreachable", problem: `the AMI connection to ${this.#where} ended: ${reason}` });
  }
}

async function openSocket(address: AmiAddress, where: string, connectMs: number): Promise<Socket> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true, keepAlive: true });
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      socket.destroy();
      reject(new AmiError(unreachable(where, reason)));
    };
    const timer = setTimeout(() => fail(`no answer within ${connectMs / 1000} s`), connectMs);
    const failed = (error: Error) => (clearTimeout(timer), fail(messageOf(error)));
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeListener("error", failed);
      resolve(socket);
    });
  });
}

function unreachable(where: string, reason: string): AmiProblem {
  const problem = `cannot connect to AMI at ${where}: ${reason}. Check that Asterisk runs, and [general] enabled, bindaddr and port in manager.conf`;
  return { kind: "unreachable", problem };
}
