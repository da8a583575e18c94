import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { OutboxLook, CheckedRows } from "../outbox/look.ts";
import type { BlindPeriod } from "./blind.ts";
import type { SeenCall } from "./calls.ts";
import { answerTo, type Answerer, type Request } from "./requests.ts";
import type { AgentStatus } from "./status.ts";

/** The kernel takes no longer path for a socket. */
const SOCKET_PATH_BYTES_MAX = 100;
const ANSWER_MS_MAX = 5_000;
const ANSWER_CHARACTERS_MAX = 4 * 1024 * 1024;
const REQUEST_CHARACTERS_MAX = 1_024;
/** A watcher that reads more slowly than events come is let go: it must not cost the agent memory. */
const UNREAD_BYTES_MAX = 1024 * 1024;
const CLIENTS_MAX = 16;

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

  constructor(outboxPath: string, agent: Answerer) {
    this.#path = socketPath(outboxPath);
    this.#server = createServer((client) => this.#serve(client, agent));
    this.#server.maxConnections = CLIENTS_MAX;
  }

  /** To be called when the outbox is open: whoever has the outbox owns the name, and a left-over socket is nobody's. */
  async listen(): Promise<void> {
    rmSync(this.#path, { force: true });
    await new Promise<void>((done, fail) => {
      this.#server.once("error", fail);
      this.#server.listen(this.#path, () => done());
    });
    chmodSync(this.#path, 0o600);
  }

  async close(): Promise<void> {
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

/** The running agent's status, or null when no agent answers for this outbox. */
export async function askStatus(outboxPath: string): Promise<AgentStatus | null> {
  return ask<AgentStatus>(outboxPath, { ask: "status" });
}

export const askCalls = (outboxPath: string, count: number) => ask<SeenCall[]>(outboxPath, { ask: "calls", count });
export const askGaps = (outboxPath: string) => ask<BlindPeriod[]>(outboxPath, { ask: "gaps" });
export const askOutbox = (outboxPath: string) => ask<OutboxLook>(outboxPath, { ask: "outbox" });
export const askCheck = (outboxPath: string, from: number) => ask<CheckedRows>(outboxPath, { ask: "check", from });

async function ask<T>(outboxPath: string, request: Request): Promise<T | null> {
  const text = await new Promise<string>((done) => {
    let text = "";
    const socket = connect(socketPath(outboxPath));
    socket.setEncoding("utf8");
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.once("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (chunk: string) => {
      if (text.length < ANSWER_CHARACTERS_MAX) text += chunk;
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => done(text));
  });
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

/** Hands over line after line until `stop` or the agent's end; false when no agent answered at all. */
export async function follow(
  outboxPath: string,
  request: Request,
  line: (value: unknown) => void,
  stop: AbortSignal,
): Promise<boolean> {
  const socket = connect(socketPath(outboxPath));
  let answered = false;
  socket.once("connect", () => {
    answered = true;
    socket.write(`${JSON.stringify(request)}\n`);
  });
  const ended = new Promise<void>((done) => socket.once("close", () => done()));
  socket.on("error", () => socket.destroy());
  const end = () => socket.destroy();
  stop.addEventListener("abort", end);
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (text + chunk).split("\n");
    text = lines.pop() ?? "";
    for (const one of lines) line(JSON.parse(one));
  });
  await ended;
  stop.removeEventListener("abort", end);
  return answered;
}
