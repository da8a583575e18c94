import { deserialize, serialize, type Document } from "bson";

/** One request of the driver: OP_MSG, or OP_QUERY as it says hello the first time. */
export interface Request {
  id: number;
  legacy: boolean;
  command: Document;
}

const HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

/** Cuts a connection's bytes into requests. */
export class Requests {
  #buffer = Buffer.alloc(0);

  push(bytes: Buffer): Request[] {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    const out: Request[] = [];
    while (this.#buffer.length >= HEADER_BYTES && this.#buffer.length >= this.#buffer.readInt32LE(0)) {
      const message = this.#buffer.subarray(0, this.#buffer.readInt32LE(0));
      this.#buffer = this.#buffer.subarray(message.length);
      out.push(parse(message));
    }
    return out;
  }
}

function parse(message: Buffer): Request {
  const id = message.readInt32LE(4);
  const opcode = message.readInt32LE(12);
  if (opcode === OP_MSG) return { id, legacy: false, command: bodyOf(message) };
  if (opcode !== OP_QUERY) throw new Error(`the driver sent opcode ${opcode}`);
  const nameEnd = message.indexOf(0, 20);
  return { id, legacy: true, command: document(message, nameEnd + 1 + 8) };
}

/** flagBits, then sections; the body is the one of kind 0. */
function bodyOf(message: Buffer): Document {
  let at = HEADER_BYTES + 4;
  while (message[at] !== 0) at += 1 + message.readInt32LE(at + 1);
  return document(message, at + 1);
}

function document(message: Buffer, at: number): Document {
  return deserialize(message.subarray(at, at + message.readInt32LE(at)), { promoteValues: true, useBigInt64: true });
}

export function reply(to: Request, body: Document): Buffer {
  const bytes = Buffer.from(serialize(body));
  const head = to.legacy ? legacyHead() : Buffer.from([0, 0, 0, 0, 0]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + head.length + bytes.length, 0);
  header.writeInt32LE(0, 4);
  header.writeInt32LE(to.id, 8);
  header.writeInt32LE(to.legacy ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, head, bytes]);
}

/** responseFlags, cursorID, startingFrom, numberReturned: 1. */
function legacyHead(): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(1, 16);
  return head;
}
