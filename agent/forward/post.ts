import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { messageOf } from "../../shared/errors.ts";
import { INGEST_PATH, NDJSON } from "../../shared/wire-constants.ts";
import type { IngestHeader, IngestReply, WireProblem } from "../../shared/wire.ts";
import { trusted } from "../tls.ts";
import { isReply, isWireProblem } from "./reply.ts";

const compress = promisify(zstdCompress);
/** A small window: the default one takes some 10 MB while it works, for a tenth less on the wire. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 } };

/** Below this a body is sent as it is: compressing it saves less than it costs. */
const COMPRESS_BYTES_MIN = 1_400;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;

export interface PostTimings {
  connectMsMax: number;
  answerMsMax: number;
}

export const POST_TIMINGS: PostTimings = { connectMsMax: 5_000, answerMsMax: 30_000 };

/** What came of one request. `problem` is null when whoever answered does not speak our protocol. */
export type Answer =
  | { kind: "reply"; reply: IngestReply }
  | { kind: "refused"; status: number; problem: WireProblem | null; retryAfterMs: number }
  | { kind: "failed"; reason: string };

/** One lane's connection to the server: one request at a time, the connection kept open between them. */
export class Poster {
  readonly #url: URL;
  #key: string;
  readonly #timings: PostTimings;
  readonly #agent: HttpAgent;
  #body = Buffer.alloc(0);
  readonly #closing = new AbortController();

  constructor(url: string, key: string, timings: PostTimings = POST_TIMINGS, caFile = "") {
    this.#url = new URL(INGEST_PATH, url);
    this.#key = key;
    this.#timings = timings;
    const keep = { keepAlive: true, maxSockets: 1, noDelay: true };
    this.#agent =
      this.#url.protocol === "https:" ? new HttpsAgent({ ...keep, ...trusted(caFile) }) : new HttpAgent(keep);
  }

  /** From the next request on. */
  useKey(key: string): void {
    this.#key = key;
  }

  /** Sends a header line and event lines. Never throws: what went wrong is in the answer. */
  async post(header: IngestHeader, lines: Uint8Array): Promise<Answer> {
    try {
      const plain = this.#fill(`${JSON.stringify(header)}\n`, lines);
      const zstd = plain.length >= COMPRESS_BYTES_MIN;
      const body = zstd ? await compress(plain, ZSTD) : plain;
      const encoding = zstd ? { "content-encoding": "zstd" } : {};
      return await this.#send(body, { ...encoding, "content-type": NDJSON, "content-length": body.length });
    } catch (error) {
      return { kind: "failed", reason: messageOf(error) };
    }
  }

  /** Ends the connection, and with it whatever request is under way. */
  close(): void {
    this.#closing.abort(new Error("the agent stops"));
    this.#agent.destroy();
  }

  /** One buffer for all requests: what is under way is one at a time, and new ones would pile up until the next collection. */
  #fill(header: string, lines: Uint8Array): Buffer {
    const bytes = Buffer.byteLength(header) + lines.length;
    if (this.#body.length < bytes) this.#body = Buffer.allocUnsafeSlow(bytes);
    const at = this.#body.write(header);
    this.#body.set(lines, at);
    return this.#body.subarray(0, bytes);
  }

  async #send(body: Buffer, headers: Record<string, string | number>): Promise<Answer> {
    const request = (this.#url.protocol === "https:" ? httpsRequest : httpRequest)(this.#url, {
      method: "POST",
      agent: this.#agent,
      headers: { ...headers, authorization: `Bearer ${this.#key}` },
      signal: this.#closing.signal,
    });
    const { connectMsMax, answerMsMax } = this.#timings;
    const late = (what: string, ms: number) =>
      setTimeout(() => request.destroy(new Error(`no ${what} within ${ms / 1000} s`)), ms);
    const connecting = late("connection", connectMsMax);
    const answering = late("answer", answerMsMax);
    request.once("socket", (socket) => {
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once(this.#url.protocol === "https:" ? "secureConnect" : "connect", () => clearTimeout(connecting));
    });
    try {
      return await new Promise<Answer>((resolve, reject) => {
        request.once("error", reject);
        request.once("response", (response) => void read(response).then(resolve, reject));
        request.end(body);
      });
    } finally {
      clearTimeout(connecting);
      clearTimeout(answering);
    }
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const body = parsed(await boundedText(response));
  const status = response.statusCode ?? 0;
  if (status === 200 && isReply(body)) return { kind: "reply", reply: body };
  const seconds = Number(response.headers["retry-after"] ?? 0);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
  return { kind: "refused", status, problem: isWireProblem(body) ? body : null, retryAfterMs };
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
