import { deserialize } from "bson";
import { messageOf } from "../../../shared/errors.ts";
import { normalDocument } from "./normal.ts";
import type { ByteReader } from "./bytes.ts";
import { chunked, damaged, type Bounds, type SourceChunk, type SourceItem } from "./source.ts";

/** MongoDB's limit for a document, and what its tools allow above it. */
export const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024 + 16 * 1024;
const DOCUMENT_BYTES_MIN = 5;

/** The documents of a `.bson` file: one after another, each beginning with its length. */
export function readBson(reader: ByteReader, bounds: Bounds): AsyncGenerator<SourceChunk> {
  return chunked(bsonItems(reader), bounds, {
    position: () => ({ offset: reader.offset }),
    bytesRead: () => reader.fileBytesRead,
  });
}

async function* bsonItems(reader: ByteReader): AsyncGenerator<SourceItem> {
  while (reader.buffered > 0 || (await reader.has(1))) {
    const where = `byte ${reader.offset}`;
    yield itemOf(await takeDocument(reader), where);
  }
}

/** The bytes of the next document. @throws when no document can begin here, or the file ends inside of it. */
export async function takeDocument(reader: ByteReader): Promise<Buffer> {
  if (reader.buffered < 4 && !(await reader.has(4))) throw endsInside(reader);
  const length = reader.peek().readInt32LE(0);
  if (length < DOCUMENT_BYTES_MIN || length > DOCUMENT_BYTES_MAX) {
    throw damaged(reader.path, `at byte ${reader.offset} no document can begin (length ${length})`);
  }
  if (reader.buffered < length && !(await reader.has(length))) throw endsInside(reader);
  return reader.take(length);
}

function endsInside(reader: ByteReader): Error {
  return damaged(reader.path, `it ends inside the document that begins at byte ${reader.offset}`);
}

/** A document's bytes in the normal form, or the bytes (base64) with what is wrong with them. */
export function itemOf(bytes: Buffer, where: string): SourceItem {
  try {
    const document = normalDocument(
      deserialize(bytes, { useBigInt64: true, bsonRegExp: true, validation: { utf8: false } }),
    );
    if (document !== undefined) return { document, bytes: bytes.length, where };
    return { unreadable: { detail: "no document", raw: bytes.toString("base64") }, bytes: bytes.length, where };
  } catch (error) {
    return { unreadable: { detail: messageOf(error), raw: bytes.toString("base64") }, bytes: bytes.length, where };
  }
}
