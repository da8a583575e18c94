import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { startDeliveries, type Engine } from "../../server/deliver/engine.ts";
import { webhookChannel } from "../../server/deliver/webhook-channel.ts";
import { startJobs } from "../../server/jobs.ts";
import { openVault } from "../../server/deliver/secrets.ts";
import type { WebhookBody } from "../../server/deliver/webhook-body.ts";
import { openPool } from "../../server/store/pool.ts";
import { createLogger } from "../../shared/log.ts";
import type { Office } from "../ingest/office.ts";

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
export const SECRET_KEY = "a key for tests only";

export interface Message {
  headers: IncomingHttpHeaders;
  body: WebhookBody;
}

/** A webhook receiver that keeps what was sent to it and answers as told. */
export interface Receiver {
  url: string;
  got: Message[];
  /** Status of the next answers; "hang" never answers. */
  answer: (message: Message) => number | "hang";
  headers: Record<string, string>;
  close(): Promise<void>;
}

/** Every message's signature is checked with the library's own verification. */
export async function openReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: "", got: [], answer: () => 204, headers: {}, close: () => Promise.resolve() };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body = new Webhook(SECRET).verify(text, request.headers as Record<string, string>) as WebhookBody;
      const message = { headers: request.headers, body };
      receiver.got.push(message);
      const status = receiver.answer(message);
      if (status !== "hang") response.writeHead(status, receiver.headers).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`;
  receiver.close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return receiver;
}

export interface Hook {
  name?: string;
  url: string;
  events?: string[];
  allow_private?: boolean;
}

/** Gives enterprise 0367 these webhooks, all with SECRET. */
export async function setHooks(office: Office, hooks: readonly Hook[]): Promise<void> {
  const secret = openVault({ secretKey: SECRET_KEY }).seal(SECRET, "0367");
  const events = ["start", "dial", "bridge", "hangup"];
  const integrations = hooks.map((hook) => ({ name: "crm", events, allow_private: true, secret, ...hook }));
  await office.rows("UPDATE enterprises SET settings = $1 WHERE id = '0367'", [JSON.stringify({ integrations })]);
}

/** Deliveries as the server runs them, on a pool of their own; what was owed before `startedAt` may be in doubt. */
export function openEngine(office: Office, secretKey = SECRET_KEY, startedAt = 0): Pick<Engine, "stop"> {
  const pool = openPool({ url: office.db.url, name: "test deliveries", connectionsMax: 10 });
  const log = createLogger({ name: "test", level: "silent" });
  const channels = { webhook: webhookChannel({ vault: openVault({ secretKey }), now: Date.now }) };
  const engine = startDeliveries({ pool, log, channels, now: Date.now, random: Math.random, startedAt });
  const stopJobs = startJobs({ pool, log, work: [engine.work] });
  return {
    stop: async () => {
      await stopJobs();
      await engine.stop();
      await pool.end();
    },
  };
}
