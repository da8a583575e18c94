import { Binary, Decimal128, Long, ObjectId, type Document } from "bson";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { reply, Requests, type Request } from "./op-msg.ts";

/** What goes wrong with a command; undefined: nothing. */
export type Fault =
  | { error: number; name: string; labels?: string[] }
  | { cut: true }
  | { cutMidReply: true }
  | { delayMs: number }
  | { loseCursors: true };

export interface Seen {
  port: number;
  command: string;
  body: Document;
}

interface Node {
  server: Server;
  port: number;
  sockets: Set<Socket>;
}

interface Cursor {
  rest: Document[];
  ns: string;
}

/**
 * As much of MongoDB as an import needs, over its real protocol: a replica set of a primary and a secondary that hold one
 * collection. `fault` is asked before every find, getMore and count.
 */
export class MongoServer {
  readonly seen: Seen[] = [];
  fault: (command: string, nth: number) => Fault | undefined = () => undefined;
  #documents: Document[];
  #nodes: Node[] = [];
  #cursors = new Map<bigint, Cursor>();
  #nextCursor = 1n;
  #asked = 0;

  constructor(documents: Document[]) {
    this.#documents = documents.toSorted((a, b) => compare(a["_id"], b["_id"]));
  }

  async start(ports: readonly [number, number] = [0, 0]): Promise<void> {
    for (const port of ports) this.#nodes.push(await this.#listen(port));
  }

  /** With a password, so that tests can look for it where it must not be. */
  get uri(): string {
    const hosts = this.#nodes.map((node) => `127.0.0.1:${node.port}`).join(",");
    return `mongodb://${hosts}/?replicaSet=rs0&heartbeatFrequencyMS=500`;
  }

  get ports(): number[] {
    return this.#nodes.map((node) => node.port);
  }

  add(...documents: Document[]): void {
    this.#documents = [...this.#documents, ...documents].toSorted((a, b) => compare(a["_id"], b["_id"]));
  }

  async stop(): Promise<void> {
    for (const { server, sockets } of this.#nodes) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
    this.#nodes = [];
  }

  async #listen(port: number): Promise<Node> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
      this.#serve(socket, (server.address() as AddressInfo).port);
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return { server, sockets, port: (server.address() as AddressInfo).port };
  }

  #serve(socket: Socket, port: number): void {
    const requests = new Requests();
    let turn = Promise.resolve();
    socket.on("data", (bytes) => {
      for (const request of requests.push(bytes)) turn = turn.then(() => this.#answer(socket, port, request));
    });
  }

  async #answer(socket: Socket, port: number, request: Request): Promise<void> {
    const command = Object.keys(request.command)[0] ?? "";
    const body = request.command;
    if (/^(hello|ismaster)$/i.test(command)) return void socket.write(reply(request, this.#hello(port)));
    this.seen.push({ port, command, body });
    const faulty = command === "find" || command === "getMore" || command === "count";
    const fault = faulty ? this.fault(command, ++this.#asked) : undefined;
    if (fault !== undefined && "delayMs" in fault) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault !== undefined && "cut" in fault) return void socket.destroy();
    if (fault !== undefined && "loseCursors" in fault) this.#cursors.clear();
    const answer = fault !== undefined && "error" in fault ? failure(fault) : this.#run(command, body);
    const bytes = reply(request, answer);
    if (fault === undefined || !("cutMidReply" in fault)) return void socket.write(bytes);
    socket.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => socket.destroy());
  }

  #hello(port: number): Document {
    const [primary] = this.ports;
    const hosts = this.ports.map((one) => `127.0.0.1:${one}`);
    return {
      ok: 1,
      helloOk: true,
      isWritablePrimary: port === primary,
      ismaster: port === primary,
      secondary: port !== primary,
      setName: "rs0",
      setVersion: 1,
      hosts,
      me: `127.0.0.1:${port}`,
      primary: hosts[0],
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 100_000,
      minWireVersion: 0,
      maxWireVersion: 21,
      readOnly: false,
      localTime: new Date(),
    };
  }

  #run(command: string, body: Document): Document {
    switch (command) {
      case "ping":
      case "endSessions":
        return { ok: 1 };
      case "count":
        return { ok: 1, n: this.#documents.length };
      case "aggregate":
        return cursorReply(0n, String(body["aggregate"]), "firstBatch", [{ _id: 1, n: this.#documents.length }]);
      case "find":
        return this.#find(body);
      case "getMore":
        return this.#getMore(body);
      case "killCursors":
        for (const id of body["cursors"] as bigint[]) this.#cursors.delete(BigInt(id));
        return { ok: 1, cursorsKilled: body["cursors"] as unknown[] };
      default:
        return { ok: 0, code: 59, codeName: "CommandNotFound", errmsg: `no such command: ${command}` };
    }
  }

  #find(body: Document): Document {
    const { $type, $gt } = (body["filter"] as { _id: { $type: string[]; $gt?: unknown } })._id;
    const found = this.#documents.filter(
      ({ _id }) => $type.includes(typeName(_id)) && ($gt === undefined || compare(_id, $gt) > 0),
    );
    const ns = `${String(body["$db"])}.${String(body["find"])}`;
    const size = Number(body["batchSize"] ?? 101);
    const id = this.#nextCursor++;
    if (found.length > size) this.#cursors.set(id, { rest: found.slice(size), ns });
    return cursorReply(found.length > size ? id : 0n, ns, "firstBatch", found.slice(0, size));
  }

  #getMore(body: Document): Document {
    const id = BigInt(body["getMore"] as bigint);
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) return failure({ error: 43, name: "CursorNotFound" });
    const size = Number(body["batchSize"] ?? 101);
    const batch = cursor.rest.splice(0, size);
    if (cursor.rest.length === 0) this.#cursors.delete(id);
    return cursorReply(cursor.rest.length === 0 ? 0n : id, cursor.ns, "nextBatch", batch);
  }
}

function cursorReply(id: bigint, ns: string, name: "firstBatch" | "nextBatch", documents: Document[]): Document {
  return { cursor: { id: Long.fromBigInt(id), ns, [name]: documents }, ok: 1 };
}

function failure({ error, name, labels }: { error: number; name: string; labels?: string[] }): Document {
  return {
    ok: 0,
    code: error,
    codeName: name,
    errmsg: `${name}, as injected`,
    ...(labels ? { errorLabels: labels } : {}),
  };
}

function typeName(id: unknown): string {
  if (id instanceof ObjectId) return "objectId";
  if (id instanceof Decimal128) return "decimal";
  if (id instanceof Binary) return "binData";
  if (id instanceof Date) return "date";
  if (typeof id === "string") return "string";
  if (typeof id === "number") return Number.isInteger(id) ? "int" : "double";
  if (typeof id === "bigint" || id instanceof Long) return "long";
  if (typeof id === "boolean") return "bool";
  return id === null ? "null" : "object";
}

const ORDER = ["null", "number", "string", "object", "binData", "objectId", "bool", "date"];

/** BSON's order, as far as our ids go. */
function compare(a: unknown, b: unknown): number {
  const byType = ORDER.indexOf(group(a)) - ORDER.indexOf(group(b));
  if (byType !== 0) return byType;
  const [left, right] = [key(a), key(b)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function group(id: unknown): string {
  const name = typeName(id);
  return ["int", "long", "double", "decimal"].includes(name) ? "number" : name;
}

function key(id: unknown): string | number {
  if (id instanceof ObjectId) return id.toHexString();
  if (group(id) === "number" || id instanceof Date) return Number(String(id instanceof Date ? id.getTime() : id));
  return typeof id === "string" ? id : JSON.stringify(id);
}
