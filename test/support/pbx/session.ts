import type { Socket } from "node:net";
import { answer, type ActionWorld } from "./actions.ts";
import { eventFilter, mayRead, type AmiUser } from "./rights.ts";

/** How much goes to the kernel in one piece. */
const PIECE_BYTES = 16 * 1024;
/** A stalled client is dropped beyond this, whatever the write timeout says. */
const QUEUE_BYTES_MAX = 256 * 1024 * 1024;
const INPUT_BYTES_MAX = 64 * 1024;

export interface SessionWorld extends ActionWorld {
  readonly users: readonly AmiUser[];
  readonly refuseLogins: boolean;
  /** Asterisk's writetimeout: a client that takes nothing for so long is dropped. null: never. */
  readonly writeTimeoutMs: number | null;
  /** Before the login is answered: a session paused here has its answer wait. */
  onLogin(session: Session): void;
}

/**
 * One AMI client of the stand-in. Everything sent waits in one queue and goes out a piece at a time, so that order is
 * kept, a stall holds answers and events alike, and a reader that takes nothing is noticed as Asterisk notices it.
 * States: connected -> logged in (user set) -> closed.
 */
export class Session {
  user: AmiUser | null = null;
  /** Actions asked for and answered since the login. */
  readonly asked = new Set<string>();
  closed = false;
  eventsSent = 0;
  #mask: readonly string[] = ["all"];
  #passes: (text: string) => boolean = () => true;
  #queue: string[] = [];
  #queueBytes = 0;
  #writing = false;
  #paused = false;
  #endWhenSent = false;
  #input = "";
  #waiters: (() => void)[] = [];
  readonly #socket: Socket;
  readonly #world: SessionWorld;

  constructor(socket: Socket, world: SessionWorld) {
    this.#socket = socket;
    this.#world = world;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#read(bytes.toString("latin1")));
    socket.on("error", () => this.kill());
    socket.on("close", () => this.#markClosed());
    this.send(`Asterisk Call Manager/${world.amiVersion}\r\n`);
  }

  /** Closed, or about to be once the queue is sent: hears nothing new. */
  get leaving(): boolean {
    return this.closed || this.#endWhenSent;
  }

  /** Queues one event if this client's user may see it. Returns whether it was queued. */
  event(text: string): boolean {
    if (this.user === null || this.leaving) return false;
    if (!mayRead(this.user.read, this.#mask, text) || !this.#passes(text)) return false;
    this.eventsSent++;
    this.send(text);
    return true;
  }

  send(text: string): void {
    if (this.leaving) return;
    this.#queue.push(text);
    this.#queueBytes += text.length;
    if (this.#queueBytes > QUEUE_BYTES_MAX) this.kill();
    else this.#pump();
  }

  setMask(mask: readonly string[]): void {
    this.#mask = mask;
  }

  login(user: AmiUser): void {
    this.user = user;
    this.#passes = eventFilter(user.eventfilters);
    this.#world.onLogin(this);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /** Resolves once no more than `bytes` wait for the client, or it is gone. */
  async drainedTo(bytes: number): Promise<void> {
    while (!this.closed && this.#queueBytes > bytes) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Closes in the ordinary way (FIN) after what is queued. */
  end(): void {
    this.#endWhenSent = true;
    this.#pump();
  }

  /** Closes at once with a reset, dropping what is queued. */
  kill(): void {
    this.#socket.resetAndDestroy();
    this.#markClosed();
  }

  /** Sends the first half of a text, so that the line is cut, then closes. */
  cut(text: string): void {
    this.send(text.slice(0, Math.max(1, Math.floor(text.length / 2))));
    this.end();
  }

  #pump(): void {
    if (this.#writing || this.#paused || this.closed) return;
    if (this.#queue.length === 0) {
      if (this.#endWhenSent) this.#socket.end();
      return;
    }
    const piece = this.#takePiece();
    this.#writing = true;
    const timer = this.#watchWrite();
    this.#socket.write(Buffer.from(piece, "latin1"), () => {
      clearTimeout(timer);
      this.#writing = false;
      this.#queueBytes -= piece.length;
      this.#wake();
      this.#pump();
    });
  }

  #takePiece(): string {
    let count = 0;
    for (let bytes = 0; count < this.#queue.length && bytes < PIECE_BYTES; count++) bytes += this.#queue[count]!.length;
    return this.#queue.splice(0, count).join("");
  }

  #watchWrite(): NodeJS.Timeout | undefined {
    if (this.#world.writeTimeoutMs === null) return undefined;
    return setTimeout(() => this.kill(), this.#world.writeTimeoutMs);
  }

  #read(text: string): void {
    this.#input += text.replaceAll("\r\n", "\n");
    if (this.#input.length > INPUT_BYTES_MAX) return this.kill();
    for (let end = this.#input.indexOf("\n\n"); end >= 0; end = this.#input.indexOf("\n\n")) {
      const action = parseAction(this.#input.slice(0, end));
      this.#input = this.#input.slice(end + 2);
      if (action.size > 0) answer(this, action, this.#world);
    }
  }

  #markClosed(): void {
    if (this.closed) return;
    this.closed = true;
    this.#queue = [];
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** Header names in lower case: AMI does not care about theirs. */
function parseAction(text: string): Map<string, string> {
  const action = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) action.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return action;
}
