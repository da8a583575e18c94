import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { messageOf, RingpostError } from "../../shared/errors.ts";
import { trusted } from "../tls.ts";

const ANSWER_MS_MAX = 15_000;
const ANSWER_CHARACTERS_MAX = 64 * 1024;

export interface JsonAnswer {
  status: number;
  body: Record<string, unknown>;
  /** The server's clock, epoch ms; NaN when it does not tell. */
  serverMs: number;
}

export interface PostOptions {
  caFile?: string | undefined;
  key?: string;
  body?: unknown;
}

/** One small request with a JSON answer. @throws RingpostError when the server cannot be reached or answers no JSON. */
export async function postJson(server: string, path: string, options: PostOptions): Promise<JsonAnswer> {
  const url = new URL(path, server);
  try {
    return await send(url, options);
  } catch (cause) {
    throw new RingpostError({
      code: "server_unreachable",
      attempted: "ask the server",
      on: url.href,
      found: messageOf(cause),
      retry: "later",
      next: "Check the address, name resolution and firewall from this machine; a certificate of your own authority needs --ca-file",
      cause,
    });
  }
}

async function send(url: URL, { caFile, key, body }: PostOptions): Promise<JsonAnswer> {
  const headers = {
    "content-type": "application/json",
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };
  const options = { method: "POST", headers, timeout: ANSWER_MS_MAX, agent: false, ...trusted(caFile ?? "") };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options);
    request.once("timeout", () => request.destroy(new Error(`no answer within ${ANSWER_MS_MAX / 1000} s`)));
    request.once("error", reject);
    request.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) =>
        text.length < ANSWER_CHARACTERS_MAX ? (text += chunk) : response.destroy(),
      );
      response.once("error", reject);
      response.once("end", () => {
        try {
          const body = JSON.parse(text) as Record<string, unknown>;
          resolve({ status: response.statusCode ?? 0, body, serverMs: Date.parse(response.headers.date ?? "") });
        } catch {
          reject(new Error(`status ${response.statusCode ?? 0} and no JSON: this is not a Ringpost server`));
        }
      });
    });
    request.end(JSON.stringify(body ?? {}));
  });
}
