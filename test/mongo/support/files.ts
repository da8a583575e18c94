import { EJSON, serialize, type Document } from "bson";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { crc64, crc64Value, CRC64_OF_NOTHING } from "../../../server/mongo/source/crc64.ts";

const OPTIONS = { ignoreUndefined: true } as const;
const MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
const TERMINATOR = Buffer.from([0xff, 0xff, 0xff, 0xff]);

/** Writes pieces to a file, packed when its name ends in .gz. */
export async function writePieces(path: string, pieces: Iterable<Buffer | string>): Promise<void> {
  const to = createWriteStream(path);
  const from = Readable.from(pieces, { objectMode: true });
  if (path.endsWith(".gz")) await pipeline(from, createGzip(), to);
  else await pipeline(from, to);
}

export function* bson(documents: Iterable<Document>): Generator<Buffer> {
  for (const document of documents) yield Buffer.from(serialize(document, OPTIONS));
}

export type JsonShape = "v1" | "v2" | "v2 canonical" | "array" | "pretty";

export function* extendedJson(documents: Iterable<Document>, shape: JsonShape): Generator<string> {
  if (shape === "array") yield "[";
  let first = true;
  for (const document of documents) {
    if (shape === "array" && !first) yield ",\n";
    first = false;
    yield jsonText(document, shape) + (shape === "array" ? "" : "\n");
  }
  if (shape === "array") yield "]\n";
}

function jsonText(document: Document, shape: JsonShape): string {
  const known = Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined));
  if (shape === "pretty") return EJSON.stringify(known, undefined, 2, { relaxed: true });
  if (shape === "v1") return EJSON.stringify(known, { legacy: true, relaxed: false } as object);
  return EJSON.stringify(known, { relaxed: shape !== "v2 canonical" });
}

/** An archive as mongodump writes it: the wanted collection in several blocks, with another one's between them. */
export function* archive(
  documents: Iterable<Document>,
  namespace: { db: string; collection: string },
): Generator<Buffer> {
  yield MAGIC;
  yield one({ concurrent_collections: 4, version: "0.1", server_version: "6.0.1", tool_version: "100.9.0" });
  yield one({ ...namespace, metadata: "{}", size: 0 });
  yield one({ db: namespace.db, collection: "users", metadata: "{}", size: 0 });
  yield TERMINATOR;
  let sum = CRC64_OF_NOTHING;
  let block: Buffer[] = [];
  for (const bytes of bson(documents)) {
    sum = crc64(bytes, sum);
    block.push(bytes);
    if (block.length < 1_000) continue;
    yield* blockOf(namespace, block);
    yield* blockOf({ db: namespace.db, collection: "users" }, [one({ _id: 1, login: "x" })]);
    block = [];
  }
  yield* blockOf(namespace, block);
  yield* endOf(namespace, crc64Value(sum));
}

function* blockOf(namespace: object, block: readonly Buffer[]): Generator<Buffer> {
  if (block.length === 0) return;
  yield one({ ...namespace, EOF: false, CRC: 0n });
  yield* block;
  yield TERMINATOR;
}

function* endOf(namespace: object, sum: bigint): Generator<Buffer> {
  yield one({ ...namespace, EOF: true, CRC: sum });
  yield TERMINATOR;
}

function one(document: Document): Buffer {
  return Buffer.from(serialize(document));
}
