import { lookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Webhook } from "standardwebhooks";
import { messageOf } from "../../shared/errors.ts";
import type { Outcome } from "./channel.ts";
import { isPrivateAddress } from "./guard.ts";
import { DELIVERY_LIMITS } from "./limits.ts";

export interface WebhookRequest {
  url: string;
  /** `whsec_...`, in the clear. */
  secret: string;
  allowPrivate: boolean;
  /** The receiver's key for telling repeats apart. */
  id: string;
  body: string;
  now: number;
}

/**
 * One signed POST, by Standard Webhooks. Redirects are not followed, and unless allowed nothing is sent to a private address:
 * it is checked on the very address that is connected to. Never throws.
 */
export async function sendWebhook(request: WebhookRequest): Promise<Outcome> {
  try {
    const url = new URL(request.url);
    if (url.protocol !== "https:" && url.protocol !== "http:") return dead(`${url.protocol} is not http(s)`);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (!request.allowPrivate && isIP(host) !== 0 && isPrivateAddress(host)) return failed(privateAddress(host));
    return verdict(await post(url, request));
  } catch (error) {
    return failed(messageOf(error));
  }
}

interface Response {
  status: number;
  retryAfter: string | undefined;
}

function post(url: URL, { secret, allowPrivate, id, body, now }: WebhookRequest): Promise<Response> {
  const sentAt = new Date(now);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "Ringpost",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, sentAt, body),
  };
  const signal = AbortSignal.timeout(DELIVERY_LIMITS.requestMsMax);
  const { request } = url.protocol === "https:" ? https : http;
  const options = { method: "POST", headers, signal, agent: false, ...(allowPrivate ? {} : { lookup: publicLookup }) };
  return new Promise((resolve, reject) => {
    const sending = request(url, options, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > DELIVERY_LIMITS.responseBytesMax) response.destroy();
      });
      response.on("error", () => undefined);
      const { statusCode = 0, headers } = response;
      response.on("close", () => resolve({ status: statusCode, retryAfter: headers["retry-after"] }));
    });
    sending.on("error", (error) => reject(signal.aborted ? timedOut() : error));
    sending.end(body);
  });
}

/** Resolves names, but only to public addresses: a name may lead elsewhere the second time it is asked. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, "");
    const first = addresses.find(({ address }) => !isPrivateAddress(address));
    if (first === undefined) return callback(new Error(privateAddress(hostname)), "");
    if (options.all === true) callback(null, [first]);
    else callback(null, first.address, first.family);
  });
};

function verdict({ status, retryAfter }: Response): Outcome {
  if (status >= 200 && status < 300) return { kind: "sent" };
  if (status >= 300 && status < 400) return failed(`answered ${status}; redirects are not followed`);
  if (status === 410) return dead("answered 410: the endpoint is gone for good");
  const afterMs = retryAfterMs(retryAfter);
  return afterMs === undefined
    ? failed(`answered ${status}`)
    : { ...failed(`answered ${status}, asked for a pause`), afterMs, wholeTarget: true };
}

/** `retry-after` in seconds; undefined when absent or a date (they are hardly ever right). */
function retryAfterMs(text = ""): number | undefined {
  if (!/^\d{1,9}$/.test(text)) return undefined;
  return Math.min(Number(text) * 1000, DELIVERY_LIMITS.retryDelayMsMax);
}

function failed(error: string): Extract<Outcome, { kind: "retry" }> {
  return { kind: "retry", error: error.slice(0, DELIVERY_LIMITS.errorCharsMax) };
}

function dead(error: string): Outcome {
  return { kind: "dead", error: error.slice(0, DELIVERY_LIMITS.errorCharsMax) };
}

function privateAddress(host: string): string {
  return `${host} is a private address; allow it with webhook.NAME.allow_private=yes if it is yours`;
}

function timedOut(): Error {
  return new Error(`no answer within ${DELIVERY_LIMITS.requestMsMax / 1000} s`);
}
