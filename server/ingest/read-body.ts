import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import { codeOf } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/wire.ts";
import { malformed, Refusal, tooLarge } from "./refusal.ts";

/** Each stops as soon as its output passes `maxOutputLength`: a zip bomb never unfolds. */
const UNPACKERS = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress) };

/**
 * The request's body as sent. Bounded before anything is unpacked.
 * @throws Refusal 413
 */
export async function readPacked(stream: Readable, contentLength: string | undefined): Promise<Buffer> {
  const { bodyCompressedBytesMax: bytesMax } = LIMITS;
  if (Number(contentLength) > bytesMax) throw packedTooLarge(bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw packedTooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/**
 * The body unpacked.
 * @throws Refusal 413, 415, 422
 */
export async function unpack(packed: Buffer, encoding: string | undefined): Promise<Buffer> {
  const { bodyBytesMax } = LIMITS;
  if (encoding === undefined || encoding === "identity") return packed;
  if (encoding !== "gzip" && encoding !== "zstd") throw unknownEncoding(encoding);
  try {
    return await UNPACKERS[encoding](packed, { maxOutputLength: bodyBytesMax });
  } catch (error) {
    if (codeOf(error) === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(`the body unpacks to more than ${bodyBytesMax} bytes: send fewer events in a batch`);
    }
    throw malformed(`the body is no ${encoding}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function packedTooLarge(bytesMax: number): Refusal {
  return tooLarge(`the body is larger than ${bytesMax} bytes: send fewer events in a batch`);
}

function unknownEncoding(encoding: string): Refusal {
  const message = `content-encoding ${encoding.slice(0, 50)} is not known: use gzip or zstd`;
  return new Refusal(415, { error: "unknown_encoding", message });
}
