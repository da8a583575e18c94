import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { Client } from "undici";
import { messageOf } from "../../shared/errors.ts";
import type { IngestHeader, IngestReply, WireProblem } from "../../shared/wire.ts";
import { INGEST_PATH, NDJSON } from "../../shared/wire-constants.ts";
import { isReply, isWireProblem } from "./reply.ts";

const compress = promisify(zstdCompress);

/** Below this a body is sent as it is: compressing it saves less than it costs. */
const COMPRESS_BYTES_MIN = 1_400;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;
const CONNECT_MS_MAX = 5_000;
const ANSWER_MS_MAX = 30_000;

/** What came of one request. `problem` is null when whoever answered does not speak our protocol. */
export type Answer =
  | { kind: "reply"; reply: IngestReply }
  | { kind: "refused"; status: number; problem: WireProblem | null; retryAfterMs: number }
  | { kind: "failed"; reason: string };

/** One lane's connection to the server: one request at a time, the connection kept open between them. */
export class Poster {
  readonly #client: Client;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#client = new Client(url, {
      pipelining: 1,
      connect: { timeout: CONNECT_MS_MAX },
      headersTimeout: ANSWER_MS_MAX,
      bodyTimeout: ANSWER_MS_MAX,
      keepAliveTimeout: 60_000,
    });
    this.#key = key;
  }

  /** Sends a header line and event lines. Never throws: what went wrong is in the answer. */
  async post(header: IngestHeader, lines: Uint8Array): Promise<Answer> {
    try {
      const plain = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), lines]);
      const zstd = plain.length >= COMPRESS_BYTES_MIN;
      const response = await this.#client.request({
        path: INGEST_PATH,
        method: "POST",
        headers: {
          authorization: `Bearer ${this.#key}`,
          "content-type": NDJSON,
          ...(zstd ? { "content-encoding": "zstd" } : {}),
        },
        body: zstd ? await compress(plain) : plain,
      });
      const text = await boundedText(response.body);
      return read(response.statusCode, text, response.headers["retry-after"]);
    } catch (error) {
      return { kind: "failed", reason: messageOf(error) };
    }
  }

  /** Ends the connection, and with it whatever request is under way. */
  async close(): Promise<void> {
    await this.#client.destroy();
  }
}

function read(status: number, text: string, retryAfter: string | string[] | undefined): Answer {
  const body = parsed(text);
  if (status === 200 && isReply(body)) return { kind: "reply", reply: body };
  const seconds = Number(retryAfter ?? 0);
  return {
    kind: "refused",
    status,
    problem: isWireProblem(body) ? body : null,
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > REPLY_BYTES_MAX) throw new Error(`the answer is longer than ${REPLY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
