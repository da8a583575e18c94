import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { startDeliveries, type Engine } from "../../server/deliver/engine.ts";
import { webhookChannel } from "../../server/deliver/webhook-channel.ts";
import { startJobs } from "../../server/jobs.ts";
import { openVault } from "../../server/deliver/secrets.ts";
import { type Sender, webhookSender } from "../../server/deliver/webhook-send.ts";
import type { WebhookBody } from "../../server/deliver/webhook-body.ts";
import { openPool } from "../../server/store/pool.ts";
import { createLogger } from "../../shared/log.ts";
import type { Office } from "../ingest/office.ts";

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
export const SECRET_KEY = "a key for tests only";
const SCHEMA = JSON.parse(readFileSync(new URL("../../docs/webhook.schema.json", import.meta.url), "utf8")) as TSchema;

export interface Message {
  headers: IncomingHttpHeaders;
  body: WebhookBody;
}

/**
 * How a receiver answers: a status, never (`hang`), a status whose body never ends (`hang body`), by cutting the connection
 * (`reset`), or by something that is not HTTP (`garbage`).
 */
export type Reply = number | "hang" | "hang body" | "reset" | "garbage";

/** A webhook receiver that keeps what was sent to it and answers as told. */
export interface Receiver {
  url: string;
  got: Message[];
  answer: (message: Message) => Reply;
  /** Of all answers. */
  headers: Record<string, string>;
  /** Before it answers. */
  delayMs: number;
  close(): Promise<void>;
}

/** Every message's signature is checked with the library's own verification, its body by the documented schema. */
export async function openReceiver(): Promise<Receiver> {
  const nothing = () => Promise.resolve();
  const receiver: Receiver = { url: "", got: [], answer: () => 204, headers: {}, delayMs: 0, close: nothing };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body = new Webhook(SECRET).verify(text, request.headers as Record<string, string>) as WebhookBody;
      const wrong = [...Value.Errors(SCHEMA, body)];
      if (wrong.length > 0)
        throw new Error(`${text} is not as docs/webhook.schema.json says: ${JSON.stringify(wrong)}`);
      const message = { headers: request.headers, body };
      receiver.got.push(message);
      setTimeout(() => reply(response, receiver.answer(message), receiver.headers), receiver.delayMs);
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

function reply(response: ServerResponse, how: Reply, headers: Record<string, string>): void {
  if (how === "hang") return;
  if (how === "reset") response.socket?.resetAndDestroy();
  else if (how === "garbage") response.socket?.end("220 mail.example.com ESMTP\r\n");
  else if (how === "hang body") response.writeHead(200, { "content-length": "1000" }).write("so far");
  else response.writeHead(how, headers).end();
}

export interface Hook {
  name?: string;
  url: string;
  events?: string[];
  allow_private?: boolean;
  allow_redirects?: boolean;
}

/** Gives enterprise 0367 these webhooks, all with SECRET. */
export async function setHooks(office: Pick<Office, "rows">, hooks: readonly Hook[]): Promise<void> {
  const secret = openVault({ secretKey: SECRET_KEY }).seal(SECRET, "0367");
  const events = ["start", "dial", "bridge", "hangup"];
  const integrations = hooks.map((hook) => ({ name: "crm", events, allow_private: true, secret, ...hook }));
  await office.rows("UPDATE enterprises SET settings = $1 WHERE id = '0367'", [JSON.stringify({ integrations })]);
}

export interface EngineSettings {
  secretKey?: string;
  /** What was owed before may be in doubt. */
  startedAt?: number;
  sender?: Sender;
}

/** Deliveries as the server runs them, on a pool of their own. */
export function openEngine(
  office: Pick<Office, "db">,
  { secretKey = SECRET_KEY, startedAt = 0, sender = webhookSender() }: EngineSettings = {},
): Pick<Engine, "stop"> {
  const pool = openPool({ url: office.db.url, name: "test deliveries", connectionsMax: 10 });
  const log = createLogger({ name: "test", level: "silent" });
  const channels = { webhook: webhookChannel({ vault: openVault({ secretKey }), now: Date.now, sender }) };
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
