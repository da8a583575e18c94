import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AgentStatus } from "./status.ts";

/** The kernel takes no longer path for a socket. */
const SOCKET_PATH_BYTES_MAX = 100;
const ANSWER_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Where the agent of this outbox listens: beside the file, or under a short name when that path is too long. */
export function socketPath(outboxPath: string): string {
  const beside = `${resolve(outboxPath)}.sock`;
  if (Buffer.byteLength(beside) <= SOCKET_PATH_BYTES_MAX) return beside;
  const name = createHash("sha256").update(beside).digest("hex").slice(0, 24);
  return join(tmpdir(), `ringpost-agent-${name}.sock`);
}

/** Answers whoever may open the socket (its owner only) with the status as JSON. The outbox file is not shared: this is. */
export class ControlSocket {
  readonly #path: string;
  readonly #server: Server;

  constructor(outboxPath: string, status: () => AgentStatus) {
    this.#path = socketPath(outboxPath);
    this.#server = createServer((client) => answer(client, status));
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
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}

function answer(client: Socket, status: () => AgentStatus): void {
  client.on("error", () => client.destroy());
  client.setTimeout(ANSWER_MS_MAX, () => client.destroy());
  client.end(`${JSON.stringify(status())}\n`);
}

/** The running agent's status, or null when no agent answers for this outbox. */
export async function askStatus(outboxPath: string): Promise<AgentStatus | null> {
  const text = await new Promise<string>((done) => {
    let text = "";
    const socket = connect(socketPath(outboxPath));
    socket.setEncoding("utf8");
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on("data", (chunk: string) => {
      if (text.length < ANSWER_BYTES_MAX) text += chunk;
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => done(text));
  });
  try {
    return JSON.parse(text) as AgentStatus;
  } catch {
    return null;
  }
}
