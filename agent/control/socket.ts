import { createHash } from "node:crypto";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { messageOf, RingpostError } from "../../shared/errors.ts";
import { answerTo, type Answerer } from "./requests.ts";

/** The kernel takes no longer path for a socket. */
const SOCKET_PATH_BYTES_MAX = 100;
export const ANSWER_MS_MAX = 5_000;
const REQUEST_CHARACTERS_MAX = 1_024;
/** A watcher that reads more slowly than events come is let go: it must not cost the agent memory. */
const UNREAD_BYTES_MAX = 1024 * 1024;
const CLIENTS_MAX = 16;
/** So often the agent looks at itself, to know since when something is wrong. */
const LOOK_MS = 5_000;

/** Where the agent of this outbox listens: beside the file, or under a short name when that path is too long. */
export function socketPath(outboxPath: string): string {
  const beside = `${resolve(outboxPath)}.sock`;
  if (Buffer.byteLength(beside) <= SOCKET_PATH_BYTES_MAX) return beside;
  const name = createHash("sha256").update(beside).digest("hex").slice(0, 24);
  return join(tmpdir(), `ringpost-agent-${name}.sock`);
}

/** Answers whoever may open the socket (its owner only). The outbox file is not shared: this is. */
export class ControlSocket {
  readonly #path: string;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #agent: Answerer;
  readonly #lookMs: number;
  #looking: NodeJS.Timeout | undefined;

  constructor(outboxPath: string, agent: Answerer, lookMs = LOOK_MS) {
    this.#lookMs = lookMs;
    this.#path = socketPath(outboxPath);
    this.#agent = agent;
    this.#server = createServer((client) => this.#serve(client, agent));
    this.#server.maxConnections = CLIENTS_MAX;
    // A folder that is gone is tried again.
    this.#server.on("error", () => {});
  }

  /**
   * To be called when the outbox is open: whoever has the outbox owns the name, and a left-over socket is nobody's.
   * @throws RingpostError when no socket can be there.
   */
  async listen(): Promise<void> {
    try {
      rmSync(this.#path, { force: true });
      await new Promise<void>((done, fail) => {
        this.#server.once("error", fail);
        this.#server.listen(this.#path, () => done());
      });
      chmodSync(this.#path, 0o600);
    } catch (cause) {
      throw new RingpostError({
        code: "socket_taken",
        attempted: "listen for the agent's commands",
        on: this.#path,
        found: messageOf(cause),
        retry: "no",
        next: "Move away what stands there, or give this agent another [outbox] path",
        cause,
      });
    }
    this.#looking = setInterval(() => this.#look(), this.#lookMs).unref();
  }

  /** A socket that was removed, with its folder or by somebody who cleans up, is made again. */
  #look(): void {
    this.#agent.status();
    if (existsSync(this.#path)) return;
    this.#server.close();
    this.#server.listen(this.#path, () => {
      if (existsSync(this.#path)) chmodSync(this.#path, 0o600);
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    if (!this.#server.listening) return;
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  #serve(client: Socket, agent: Answerer): void {
    this.#clients.add(client);
    client.once("close", () => this.#clients.delete(client));
    client.on("error", () => client.destroy());
    client.setTimeout(ANSWER_MS_MAX, () => client.destroy());
    let text = "";
    client.setEncoding("utf8");
    client.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end < 0 && text.length <= REQUEST_CHARACTERS_MAX) return;
      client.removeAllListeners("data").resume();
      void answer(client, text.slice(0, Math.max(0, end)), agent);
    });
  }
}

async function answer(client: Socket, text: string, agent: Answerer): Promise<void> {
  const say = (value: unknown) => {
    if (client.writableLength > UNREAD_BYTES_MAX) client.destroy();
    else client.write(`${JSON.stringify(value)}\n`);
  };
  const stop = await answerTo(text, agent, say);
  if (stop === null) return void client.end();
  client.setTimeout(0);
  client.once("close", stop);
}
