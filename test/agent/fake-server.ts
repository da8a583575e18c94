import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { Value } from "typebox/value";
import { IngestHeader, WireEvent, type IngestReply, type SeqRange } from "../../shared/wire.ts";

export interface Batch {
  header: IngestHeader;
  events: WireEvent[];
  authorization: string | undefined;
}

export interface Refusal {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What the fake does with a batch: acks it all (undefined), refuses it, says something of its own, or never answers. */
export type Behaviour = (batch: Batch) => Refusal | Partial<IngestReply> | "silent" | "cut" | undefined;

/** A central server that checks every line against the wire's schemas, keeps what it got, and can misbehave. */
export class FakeServer {
  readonly batches: Batch[] = [];
  /** Lines that are not what the wire says; a test ends with none. */
  readonly wrong: string[] = [];
  behave: Behaviour = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<FakeServer> {
    const server = new FakeServer();
    await server.listen();
    return server;
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(this.#port, "127.0.0.1", done));
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Every event accepted, by stream and seq, as it first came. */
  get stored(): Map<string, WireEvent> {
    return this.#stored;
  }
  readonly #stored = new Map<string, WireEvent>();

  get events(): WireEvent[] {
    return [...this.#stored.values()];
  }

  /** Goes away as a cut link does; listen() brings it back on the same port. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const batch = this.#read(Buffer.concat(chunks), request);
    this.batches.push(batch);
    const answer = this.behave(batch);
    if (answer === "silent") return;
    if (answer === "cut") return void request.socket.destroy();
    if (answer !== undefined && "status" in answer) {
      response.writeHead(answer.status, answer.headers);
      response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {}));
      return;
    }
    for (const event of batch.events) {
      const id = `${batch.header.stream} ${event.seq}`;
      if (!this.#stored.has(id)) this.#stored.set(id, event);
    }
    const acked = batch.events.map(({ seq }): SeqRange => [seq, seq]);
    response.end(JSON.stringify({ acked, time: Date.now(), commands: [], ...answer }));
  }

  #read(body: Buffer, request: IncomingMessage): Batch {
    const encoding = request.headers["content-encoding"];
    const plain = encoding === "zstd" ? zstdDecompressSync(body) : encoding === "gzip" ? gunzipSync(body) : body;
    const [first = "{}", ...lines] = plain.toString("utf8").trimEnd().split("\n");
    const header: unknown = JSON.parse(first);
    if (!Value.Check(IngestHeader, header)) this.wrong.push(first);
    for (const line of lines) if (!Value.Check(WireEvent, JSON.parse(line))) this.wrong.push(line);
    const events = lines.map((line) => JSON.parse(line) as WireEvent);
    return { header: header as IngestHeader, events, authorization: request.headers.authorization };
  }
}
