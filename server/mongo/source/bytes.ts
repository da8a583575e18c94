import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../../shared/errors.ts";
import { damaged } from "./source.ts";

const READ_BYTES = 1024 * 1024;

/** Bytes of a file in order, unpacked when the file is gzip. Offsets count unpacked bytes. */
export class ByteReader {
  readonly path: string;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #bytesRead: () => number;
  readonly #close: () => void;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #ended = false;
  /** Of the next byte. */
  offset = 0;

  constructor(path: string, chunks: AsyncIterable<Buffer>, bytesRead: () => number, close: () => void) {
    this.path = path;
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#bytesRead = bytesRead;
    this.#close = close;
  }

  /** Bytes read of the file as it lies on disk: for the progress bar. */
  get fileBytesRead(): number {
    return this.#bytesRead();
  }

  get buffered(): number {
    return this.#buffer.length - this.#at;
  }

  /** Has at least `count` bytes buffered, or all there are; false: there are fewer. */
  async has(count: number): Promise<boolean> {
    while (this.buffered < count && !this.#ended) await this.#more(count);
    return this.buffered >= count;
  }

  /** What is buffered, without moving on. Valid until the next call of `has`. */
  peek(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  /** Moves on over bytes that are buffered and gives them. */
  take(count: number): Buffer {
    const taken = this.#buffer.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.offset += count;
    return taken;
  }

  /** Moves on to an offset ahead. */
  async skipTo(offset: number): Promise<void> {
    while (this.offset < offset && (await this.has(1))) this.take(Math.min(this.buffered, offset - this.offset));
    if (this.offset < offset) throw damaged(this.path, `it ends at byte ${this.offset}, before ${offset}`);
  }

  close(): void {
    this.#close();
  }

  async #more(wanted: number): Promise<void> {
    const parts = [this.peek()];
    let have = this.buffered;
    while (have < wanted) {
      const next = await this.#next();
      if (next === undefined) break;
      parts.push(next);
      have += next.length;
    }
    this.#buffer = parts.length === 1 ? this.peek() : Buffer.concat(parts);
    this.#at = 0;
  }

  async #next(): Promise<Buffer | undefined> {
    try {
      const { value, done } = await this.#chunks.next();
      if (done !== true) return value;
      this.#ended = true;
      return undefined;
    } catch (cause) {
      throw damaged(this.path, messageOf(cause), cause);
    }
  }
}

/** Opens a file at an offset of its unpacked bytes. A plain file is not read before it; a packed one has to be. */
export async function openBytes(path: string, offset = 0): Promise<ByteReader> {
  if (!(await isGzip(path))) {
    const file = createReadStream(path, { start: offset, highWaterMark: READ_BYTES });
    const reader = new ByteReader(
      path,
      file,
      () => offset + file.bytesRead,
      () => file.destroy(),
    );
    reader.offset = offset;
    return reader;
  }
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const unpacked = createGunzip({ chunkSize: READ_BYTES });
  pipeline(file, unpacked, () => undefined);
  const close = (): void => void (file.destroy(), unpacked.destroy());
  const reader = new ByteReader(path, unpacked, () => file.bytesRead, close);
  await reader.skipTo(offset);
  return reader;
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
