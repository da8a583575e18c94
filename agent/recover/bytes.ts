import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { createGunzip, type Gunzip } from "node:zlib";

/** A file's bytes, plain or unpacked on the way; read in order, or anywhere where `size` is known. */
export interface Bytes {
  /** Null: packed, so that only reading on tells. */
  size: number | null;
  /** At most `length` bytes from `position` on; fewer only at the end. */
  read(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openBytes(path: string): Promise<Bytes> {
  if (path.endsWith(".gz")) return new PackedBytes(path);
  const handle = await open(path, "r");
  return new PlainBytes(handle, (await handle.stat()).size);
}

class PlainBytes implements Bytes {
  readonly #handle: FileHandle;
  readonly size: number;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Unpacks forwards only; going back begins anew. Never holds more than the piece that is asked for. */
class PackedBytes implements Bytes {
  readonly size = null;
  readonly #path: string;
  #unpacked: Gunzip | null = null;
  #chunks: AsyncIterator<Buffer> | null = null;
  #rest: Buffer = Buffer.alloc(0);
  /** Of the first byte of `#rest`. */
  #position = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async read(position: number, length: number): Promise<Buffer> {
    if (this.#chunks === null || position < this.#position) await this.#begin();
    const parts: Buffer[] = [];
    for (let wanted = length; wanted > 0;) {
      if (this.#rest.length === 0 && !(await this.#more())) break;
      const skipped = Math.min(this.#rest.length, Math.max(0, position - this.#position));
      const part = this.#rest.subarray(skipped, skipped + (skipped + this.#position >= position ? wanted : 0));
      if (part.length > 0) parts.push(part);
      wanted -= part.length;
      this.#position += skipped + part.length;
      this.#rest = this.#rest.subarray(skipped + part.length);
    }
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    this.#unpacked?.destroy();
    this.#unpacked = null;
    this.#chunks = null;
  }

  async #begin(): Promise<void> {
    await this.close();
    const packed = createReadStream(this.#path);
    const unpacked = createGunzip();
    packed.on("error", (error) => unpacked.destroy(error));
    unpacked.on("close", () => packed.destroy());
    this.#unpacked = packed.pipe(unpacked);
    this.#chunks = unpacked[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#rest = Buffer.alloc(0);
    this.#position = 0;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks?.next();
    if (next === undefined || next.done === true) return false;
    this.#rest = next.value;
    return true;
  }
}
