import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { ChannelTable } from "../../support/pbx/channels.ts";
import { RECOMMENDED_RIGHTS, type AmiUser } from "../../support/pbx/rights.ts";
import { Session, type SessionWorld } from "../../support/pbx/session.ts";
import type { Journal, SessionLife, Told } from "./journal.ts";

/** Asterisk's own default: a reader that takes nothing for so long is dropped. */
const WRITE_TIMEOUT_MS = 100;
export const AMI_USER = "oracle";
export const AMI_SECRET = "owed-every-event";

/**
 * The PBX of the oracle: Asterisk's side of AMI with one listener, which numbers each event it raises and keeps a
 * journal of it. Faults act around it, never in it; it drops a reader that stalls, as Asterisk does.
 */
export class OraclePbx {
  readonly name: string;
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #channels = new ChannelTable();
  readonly #server: Server;
  readonly #live = new Map<Session, SessionLife>();
  readonly #connected = new Set<Session>();
  readonly #numbers: () => number;
  readonly #bootedAtSeconds: number;
  #port = 0;

  constructor(options: { name: string; journal: Journal; now: () => number; numbers: () => number }) {
    this.name = options.name;
    this.#journal = options.journal;
    this.#now = options.now;
    this.#numbers = options.numbers;
    this.#bootedAtSeconds = Math.floor(options.now() / 1000) - 3_600;
    this.#server = createServer((socket) => this.#meet(socket));
  }

  get port(): number {
    return this.#port;
  }

  /** Whether an agent is logged in now. */
  get listening(): boolean {
    this.#noticeEnds();
    return this.#live.size > 0;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Raises one event: numbered, stamped, journalled, and written into the session of whoever is logged in. */
  raise(call: number, name: string, text: string): Told {
    this.#noticeEnds();
    const told = this.#note(call, name, text);
    for (const [session, life] of this.#live) if (session.event(told.text)) told.session = life.session;
    return told;
  }

  /** Numbers an event that no listener hears. */
  raiseUnheard(name: string, text: string): Told {
    return this.#note(0, name, text);
  }

  #note(call: number, name: string, text: string): Told {
    const number = this.#numbers();
    const at = this.#now();
    const stamp = `Timestamp: ${(at / 1000).toFixed(6)}\r\nOracleNumber: ${number}\r\n`;
    const sent = `${text.replace(/^(Event: .*\r\nPrivilege: .*\r\n)/, `$1${stamp}`).trimEnd()}\r\n\r\n`;
    this.#channels.apply(name, sent);
    const told: Told = {
      number,
      call,
      name,
      at,
      trueAt: Date.now(),
      mono: performance.now(),
      session: null,
      text: sent,
    };
    this.#journal.told.push(told);
    return told;
  }

  /** Drops every listener at once (a reset), as a crash of the connection does. */
  dropListeners(): void {
    for (const session of this.#connected) session.kill();
    this.#noticeEnds();
  }

  /** Closes every listener in the ordinary way, after what is queued. */
  endListeners(): void {
    for (const session of this.#connected) session.end();
  }

  async close(): Promise<void> {
    for (const session of this.#connected) session.kill();
    this.#noticeEnds();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #meet(socket: Socket): void {
    const session: Session = new Session(
      socket,
      this.#world(() => this.#live.set(session, this.#born())),
    );
    this.#connected.add(session);
    socket.on("close", () => this.#noticeEnds());
  }

  #noticeEnds(): void {
    for (const session of this.#connected) if (session.closed) this.#forget(session, this.#live.get(session));
  }

  #born(): SessionLife {
    const life: SessionLife = {
      session: this.#journal.sessions.length + 1,
      pbx: this.name,
      openedMono: performance.now(),
      openedAt: this.#now(),
      closedMono: null,
      closedAt: null,
    };
    this.#journal.sessions.push(life);
    return life;
  }

  #forget(session: Session, life: SessionLife | undefined): void {
    this.#connected.delete(session);
    this.#live.delete(session);
    if (life === undefined) return;
    life.closedMono = performance.now();
    life.closedAt = this.#now();
  }

  #world(onLogin: () => void): SessionWorld {
    const user: AmiUser = { username: AMI_USER, secret: AMI_SECRET, ...RECOMMENDED_RIGHTS };
    return {
      amiVersion: "11.0.0",
      asteriskVersion: "22.10.0",
      channels: this.#channels,
      bootedAtSeconds: this.#bootedAtSeconds,
      users: [user],
      refuseLogins: false,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      now: this.#now,
      onLogin,
    };
  }
}
