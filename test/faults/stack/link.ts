import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { WireTap } from "./tap.ts";

/** How the link between agent and server behaves. */
export type LinkMode =
  | "open"
  /** Connections are reset and refused. */
  | "cut"
  /** Bytes are taken and nothing comes back; what was connected stays dead for ever. */
  | "half_open"
  /** A few kilobytes a second and a late answer. */
  | "slow"
  /** The server commits, its reply is lost. */
  | "reply_lost"
  /** A proxy on the way answers 502, 503 or 504. */
  | "proxy_errors"
  /** The upload is torn in the middle on its way to the server. */
  | "torn_upload"
  /** Every request reaches the servers twice at once, the second one whichever server is next. */
  | "doubled"
  /** The answer is 200 and only its first half. */
  | "reply_halved";

const SLOW_BYTES_PER_SECOND = 20_000;
const SLOW_LATENCY_MS = 300;
const UPSTREAM_TIMEOUT_MS = 120_000;

/** What stands between the agent and the servers: an HTTP proxy with the faults of a bad link. */
export class Link {
  mode: LinkMode = "open";
  /** Picks the server of the next request, by its index; sites move freely. */
  route: (servers: number) => number = () => 0;
  readonly #tap: WireTap;
  readonly #upstreams: { port: number }[];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #errors = 0;
  requests = 0;

  constructor(upstreams: { port: number }[], tap: WireTap) {
    this.#upstreams = upstreams;
    this.#tap = tap;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => this.#meet(socket));
    this.#server.keepAliveTimeout = 60_000;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  /** Changes the behaviour; a cut or a half-open link strikes the connections there are. */
  set(mode: LinkMode): void {
    const before = this.mode;
    this.mode = mode;
    if (mode === "cut") for (const socket of this.#sockets) socket.resetAndDestroy();
    // What was half-open stays so: the other side's connection is gone without a word.
    if (before === "half_open" && mode !== "half_open") this.#sockets.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #meet(socket: Socket): void {
    if (this.mode === "cut") return void socket.resetAndDestroy();
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mode = this.mode;
    const body = await bodyOf(request);
    if (body === null) return;
    this.requests++;
    const socket = request.socket;
    const dead = (): boolean => mode === "half_open" || this.mode === "half_open" || !this.#sockets.has(socket);
    if (dead()) return;
    if (mode === "proxy_errors") return this.#proxyError(response);
    if (mode === "slow") await pause(SLOW_LATENCY_MS + (body.length / SLOW_BYTES_PER_SECOND) * 1000);
    this.#tap.sent(request.headers["content-encoding"], body);
    const again = mode === "doubled" ? this.#forward(request, body, false, 1) : null;
    const reply = await this.#forward(request, body, mode === "torn_upload");
    await again;
    if (mode === "reply_halved") reply.body = halved(reply);
    if (mode === "slow") await pause(SLOW_LATENCY_MS);
    if (dead()) return;
    if (mode === "reply_lost" || mode === "torn_upload") return void socket.resetAndDestroy();
    response.writeHead(reply.status, reply.headers).end(reply.body);
  }

  #proxyError(response: ServerResponse): void {
    const status = [502, 503, 504][this.#errors++ % 3]!;
    response.writeHead(status, { "content-type": "text/html" }).end("<html><h1>The proxy has a problem</h1></html>");
  }

  #forward(request: IncomingMessage, body: Buffer, torn: boolean, further = 0): Promise<Reply> {
    const upstream = this.#upstreams[(this.route(this.#upstreams.length) + further) % this.#upstreams.length]!;
    const headers = { ...request.headers, host: `127.0.0.1:${upstream.port}`, "content-length": String(body.length) };
    delete headers["transfer-encoding"];
    const target = { host: "127.0.0.1", port: upstream.port, method: request.method, path: request.url, headers };
    return new Promise((resolve) => {
      const unreachable = (): void => resolve({ status: 502, headers: {}, body: Buffer.from("upstream unreachable") });
      const outgoing = httpRequest({ ...target, agent: false, timeout: UPSTREAM_TIMEOUT_MS }, (answer) => {
        bodyOf(answer).then((bytes) => {
          if (bytes === null) return unreachable();
          const { connection: _, "transfer-encoding": __, "keep-alive": ___, ...kept } = answer.headers;
          resolve({ status: answer.statusCode ?? 502, headers: kept, body: bytes });
        }, unreachable);
      });
      outgoing.on("error", unreachable);
      outgoing.on("timeout", () => outgoing.destroy());
      if (!torn) return void outgoing.end(body);
      outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.destroy());
    });
  }
}

interface Reply {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** As a proxy does that gives up in the middle and does not say so. */
function halved({ body, headers }: Reply): Buffer {
  const half = body.subarray(0, body.length >> 1);
  headers["content-length"] = String(half.length);
  return half;
}

/** The whole body, or null when the other side went away before its end. */
async function bodyOf(message: IncomingMessage): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of message) pieces.push(piece as Buffer);
  } catch {
    return null;
  }
  return message.complete ? Buffer.concat(pieces) : null;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
