import { deserialize } from "bson";
import { crc64, crc64Value, CRC64_OF_NOTHING, type Crc64 } from "./crc64.ts";
import { takeDocument, itemOf } from "./bson.ts";
import type { ByteReader } from "./bytes.ts";
import { chunked, damaged, type Bounds, type Position, type SourceChunk, type SourceItem } from "./source.ts";

/** `mongodump --archive`: magic, header, a document per collection, terminator; then blocks of one collection each. */
export const ARCHIVE_MAGIC = 0x8199e26d;
const TERMINATOR = -1;

export interface Namespace {
  db: string;
  collection: string;
}

/** Reads the archive's beginning and stops at its first block. */
export async function readPrelude(reader: ByteReader): Promise<Namespace[]> {
  if (!(await reader.has(4)) || reader.peek().readUInt32LE(0) !== ARCHIVE_MAGIC) {
    throw damaged(reader.path, "it does not begin like an archive of mongodump");
  }
  reader.take(4);
  await takeDocument(reader);
  const namespaces: Namespace[] = [];
  while (!(await atTerminator(reader))) namespaces.push(namespaceOf(deserialize(await takeDocument(reader))));
  reader.take(4);
  return namespaces;
}

/** State of the reading between two documents: in a block of `wanted`, or between blocks. */
interface ArchiveState {
  inBlock: boolean;
  sum: Crc64;
  /** The collection's end mark was seen, and its sum was right. */
  complete: boolean;
}

/**
 * The documents of one collection. Blocks of the others are read over. The sum behind the collection is checked; an
 * archive that ends without it is not whole.
 */
export function readArchive(
  reader: ByteReader,
  wanted: Namespace,
  bounds: Bounds,
  from: Position | null,
): AsyncGenerator<SourceChunk> {
  const state = stateOf(from);
  return chunked(archiveItems(reader, wanted, state), bounds, {
    position: () => ({
      offset: reader.offset,
      inBlock: state.inBlock,
      sum: { ...state.sum },
      complete: state.complete,
    }),
    bytesRead: () => reader.fileBytesRead,
  });
}

async function* archiveItems(reader: ByteReader, wanted: Namespace, state: ArchiveState): AsyncGenerator<SourceItem> {
  if (state.inBlock) yield* blockItems(reader, state);
  while (!state.complete && (await reader.has(1))) {
    const header = deserialize(await takeDocument(reader), { useBigInt64: true });
    const { db, collection } = namespaceOf(header);
    if (db !== wanted.db || collection !== wanted.collection) await skipBlock(reader);
    else if (header["EOF"] === true) await endCollection(reader, state, header["CRC"]);
    else yield* blockItems(reader, state);
  }
  if (!state.complete) throw damaged(reader.path, `it ends before the end of ${wanted.db}.${wanted.collection}`);
}

async function* blockItems(reader: ByteReader, state: ArchiveState): AsyncGenerator<SourceItem> {
  state.inBlock = true;
  while (!(await atTerminator(reader))) {
    const where = `byte ${reader.offset}`;
    const bytes = await takeDocument(reader);
    state.sum = crc64(bytes, state.sum);
    yield itemOf(bytes, where);
  }
  reader.take(4);
  state.inBlock = false;
}

async function endCollection(reader: ByteReader, state: ArchiveState, told: unknown): Promise<void> {
  await skipBlock(reader);
  const sum = crc64Value(state.sum);
  if (BigInt.asIntN(64, BigInt(told as bigint | number)) !== sum) {
    throw damaged(reader.path, `the sum of the collection's documents is ${sum}, the archive says ${String(told)}`);
  }
  state.complete = true;
}

async function skipBlock(reader: ByteReader): Promise<void> {
  while (!(await atTerminator(reader))) await takeDocument(reader);
  reader.take(4);
}

async function atTerminator(reader: ByteReader): Promise<boolean> {
  if (reader.buffered < 4 && !(await reader.has(4))) throw damaged(reader.path, "it ends inside a block");
  return reader.peek().readInt32LE(0) === TERMINATOR;
}

function namespaceOf(document: Record<string, unknown>): Namespace {
  return { db: String(document["db"]), collection: String(document["collection"]) };
}

function stateOf(from: Position | null): ArchiveState {
  const sum = from?.["sum"] as { high: number; low: number } | undefined;
  return {
    inBlock: from?.["inBlock"] === true,
    sum: sum === undefined ? CRC64_OF_NOTHING : { high: sum.high, low: sum.low },
    complete: from?.["complete"] === true,
  };
}
