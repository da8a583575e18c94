import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Webhook } from "standardwebhooks";
import { messageOf } from "../../shared/errors.ts";
import type { Outcome } from "./channel.ts";
import { isPrivateAddress } from "./guard.ts";
import { DELIVERY_LIMITS } from "./limits.ts";
import { checkedLookup, nameResolver, privateAddress, type Resolve } from "./resolve.ts";

export interface WebhookRequest {
  url: string;
  /** `whsec_...`, in the clear. */
  secret: string;
  allowPrivate: boolean;
  allowRedirects: boolean;
  /** The receiver's key for telling repeats apart. */
  id: string;
  body: string;
  now: number;
}

export interface SenderOptions {
  resolve?: Resolve;
  timeoutMs?: number;
}

export interface Sender {
  /**
   * One signed POST, by Standard Webhooks. Unless allowed no redirect is followed and nothing is sent to a private address, wherever
   * a redirect leads: it is checked on the very address that is connected to. Never throws.
   */
  send(request: WebhookRequest): Promise<Outcome>;
}

/** Keeps connections: the guarded and the others apart, so that none is used by who may not. */
export function webhookSender({
  resolve = nameResolver(),
  timeoutMs = DELIVERY_LIMITS.requestMsMax,
}: SenderOptions = {}): Sender {
  const guarded = connectionsBy(checkedLookup(resolve, false));
  const free = connectionsBy(checkedLookup(resolve, true));
  return {
    async send(request) {
      const signal = AbortSignal.timeout(timeoutMs);
      const connections = request.allowPrivate ? free : guarded;
      let url = new URL(request.url);
      try {
        for (let redirectsLeft = request.allowRedirects ? DELIVERY_LIMITS.redirectsMax : 0; ; redirectsLeft--) {
          const refused = refusalOf(url, request.allowPrivate);
          if (refused !== undefined) return refused;
          const response = await post(url, request, connections, signal);
          const next = response.status >= 300 && response.status < 400 ? response.location : undefined;
          if (next === undefined || redirectsLeft === 0) return verdict(response, request);
          url = new URL(next, url);
        }
      } catch (error) {
        return failed(signal.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error));
      }
    },
  };
}

/** Addresses that need no name to be refused. */
function refusalOf(url: URL, allowPrivate: boolean): Outcome | undefined {
  if (url.protocol !== "https:" && url.protocol !== "http:") return dead(`${url.protocol} is not http(s)`);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isRefused = !allowPrivate && isIP(host) !== 0 && isPrivateAddress(host);
  return isRefused ? failed(privateAddress(host)) : undefined;
}

interface Connections {
  "http:": http.Agent;
  "https:": https.Agent;
}

function connectionsBy(lookup: LookupFunction): Connections {
  const options = { keepAlive: true, maxFreeSockets: DELIVERY_LIMITS.perTargetMax, lookup };
  return { "http:": new http.Agent(options), "https:": new https.Agent(options) };
}

interface Response {
  status: number;
  retryAfter: string | undefined;
  location: string | undefined;
}

function post(
  url: URL,
  { secret, id, body, now }: WebhookRequest,
  connections: Connections,
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "Ringpost",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, new Date(now), body),
  };
  const secure = url.protocol === "https:";
  const { request } = secure ? https : http;
  const agent = connections[secure ? "https:" : "http:"];
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: "POST", headers, signal, agent }, (response) => {
      const { statusCode: status = 0, headers } = response;
      resolve({ status, retryAfter: headers["retry-after"], location: headers.location });
      drain(response);
    });
    sending.on("error", reject);
    sending.end(body);
  });
}

/** What the receiver says beyond the status is nothing to wait for: read so far that the connection can be kept, else cut. */
function drain(response: http.IncomingMessage): void {
  let bytes = 0;
  const cut = setTimeout(() => response.destroy(), DELIVERY_LIMITS.drainMsMax);
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DELIVERY_LIMITS.responseBytesMax) response.destroy();
  });
  response.on("error", () => undefined);
  response.on("close", () => clearTimeout(cut));
}

function verdict({ status, retryAfter }: Response, { allowRedirects, now }: WebhookRequest): Outcome {
  if (status >= 200 && status < 300) return { kind: "sent" };
  if (status >= 300 && status < 400) {
    return failed(`answered ${status}; ${allowRedirects ? "too many redirects" : "redirects are not followed"}`);
  }
  if (status === 410) return dead("answered 410: the endpoint is gone for good");
  const afterMs = retryAfterMs(retryAfter, now);
  return afterMs === undefined
    ? failed(`answered ${status}`)
    : { ...failed(`answered ${status}, asked for a pause`), afterMs, wholeTarget: true };
}

/** `retry-after`: seconds or a date. */
function retryAfterMs(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const delay = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return delay >= 0 ? Math.min(delay, DELIVERY_LIMITS.retryDelayMsMax) : undefined;
}

function failed(error: string): Extract<Outcome, { kind: "retry" }> {
  return { kind: "retry", error: error.slice(0, DELIVERY_LIMITS.errorCharsMax) };
}

function dead(error: string): Outcome {
  return { kind: "dead", error: error.slice(0, DELIVERY_LIMITS.errorCharsMax) };
}
