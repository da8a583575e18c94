import { messageOf } from "../../../shared/errors.ts";
import { normalDocument } from "./normal.ts";
import type { ByteReader } from "./bytes.ts";
import { chunked, damaged, type Bounds, type Position, type SourceChunk, type SourceItem } from "./source.ts";

/** A document is 16 MB of BSON at most; as Extended JSON it may be several times that. */
const TEXT_BYTES_MAX = 128 * 1024 * 1024;
/** More digits than a double keeps: such a number is read as text. */
const LONG_NUMBER = /\d{16}/;
const [NEWLINE, QUOTE, BACKSLASH, OPEN, CLOSE] = [0x0a, 0x22, 0x5c, 0x7b, 0x7d];

type Shape = "lines" | "objects";

/**
 * The documents of `mongoexport`: one a line, or (--jsonArray, --pretty) objects one after another however they are laid
 * out. Both versions of Extended JSON.
 */
export async function* readJson(
  reader: ByteReader,
  bounds: Bounds,
  from: Position | null,
): AsyncGenerator<SourceChunk> {
  const shape = from?.["shape"] === "objects" || from?.["shape"] === "lines" ? from["shape"] : await shapeOf(reader);
  const items = shape === "lines" ? lineItems(reader) : objectItems(reader);
  yield* chunked(items, bounds, {
    position: () => ({ offset: reader.offset, shape }),
    bytesRead: () => reader.fileBytesRead,
  });
}

async function shapeOf(reader: ByteReader): Promise<Shape> {
  await reader.has(1);
  const start = reader
    .peek()
    .toString("utf8", 0, 64)
    .replace(/^\ufeff/, "")
    .trimStart();
  if (start.startsWith("[")) return "objects";
  const end = await findNewline(reader);
  const line = reader.peek().toString("utf8", 0, end);
  return isWhole(line) ? "lines" : "objects";
}

/** A first line that opens an object and does not close it belongs to a document over several lines. */
function isWhole(line: string): boolean {
  const text = line.replace(/^\ufeff/, "").trim();
  return text !== "{" && !(text.startsWith("{") && /[,{[]$/.test(text));
}

async function* lineItems(reader: ByteReader): AsyncGenerator<SourceItem> {
  while (reader.buffered > 0 || (await reader.has(1))) {
    const where = `byte ${reader.offset}`;
    const end = await findNewline(reader);
    const bytes = reader.take(end);
    if (reader.buffered > 0) reader.take(1);
    const text = bytes
      .toString("utf8")
      .replace(/^\ufeff/, "")
      .trim();
    if (text !== "") yield itemOfText(text, bytes.length, where);
  }
}

/** Bytes up to the next newline, or to the end. */
async function findNewline(reader: ByteReader): Promise<number> {
  for (let from = 0; ;) {
    const found = reader.peek().indexOf(NEWLINE, from);
    if (found >= 0) return found;
    from = reader.buffered;
    if (from > TEXT_BYTES_MAX) throw damaged(reader.path, `the line at byte ${reader.offset} is too long`);
    if (!(await reader.has(from + 1))) return reader.buffered;
  }
}

async function* objectItems(reader: ByteReader): AsyncGenerator<SourceItem> {
  while (await toNextObject(reader)) {
    const where = `byte ${reader.offset}`;
    const bytes = reader.take(await objectLength(reader));
    yield itemOfText(bytes.toString("utf8"), bytes.length, where);
  }
}

/** Over brackets, commas and white space to the next object; false at the end. */
async function toNextObject(reader: ByteReader): Promise<boolean> {
  while (reader.buffered > 0 || (await reader.has(1))) {
    const found = reader.peek().indexOf(OPEN);
    reader.take(found < 0 ? reader.buffered : found);
    if (found >= 0) return true;
  }
  return false;
}

async function objectLength(reader: ByteReader): Promise<number> {
  let depth = 0;
  let quoted = false;
  for (let index = 0; ; index++) {
    if (index >= reader.buffered && !(await reader.has(index + 1))) {
      throw damaged(reader.path, `it ends inside the document that begins at byte ${reader.offset}`);
    }
    const view = reader.peek();
    for (; index < view.length; index++) {
      const byte = view[index];
      if (quoted) {
        if (byte === BACKSLASH) index++;
        else if (byte === QUOTE) quoted = false;
      } else if (byte === QUOTE) quoted = true;
      else if (byte === OPEN) depth++;
      else if (byte === CLOSE && --depth === 0) return index + 1;
    }
    if (index > TEXT_BYTES_MAX) throw damaged(reader.path, `the document at byte ${reader.offset} is too long`);
    index--;
  }
}

function itemOfText(text: string, bytes: number, where: string): SourceItem {
  try {
    const parsed: unknown = LONG_NUMBER.test(text) ? JSON.parse(text, keepLong) : JSON.parse(text);
    const document = normalDocument(parsed);
    if (document !== undefined) return { document, bytes, where };
    return { unreadable: { detail: "JSON, but no object", raw: text }, bytes, where };
  } catch (error) {
    return { unreadable: { detail: messageOf(error), raw: text }, bytes, where };
  }
}

/** A whole number beyond what a double holds exactly, by its digits. */
function keepLong(_key: string, value: unknown, context?: { source: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || context === undefined) return value;
  return /^-?\d+$/.test(context.source) ? { $numberLong: context.source } : value;
}
