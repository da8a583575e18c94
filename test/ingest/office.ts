import { gzipSync } from "node:zlib";
import type { FastifyInstance } from "fastify";
import type { CallEvent } from "../../server/assemble/index.ts";
import { buildApp, type AppOptions } from "../../server/http/app.ts";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { openPool } from "../../server/store/pool.ts";
import { createLogger } from "../../shared/log.ts";
import { INGEST_PATH, type IngestReply, type Lane, type WireProblem } from "../../shared/wire.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";

/** The server's HTTP side on a database of its own; a second one may run on the same database. */
export interface Office {
  db: TestDatabase;
  server(options?: Partial<AppOptions>): Promise<Server>;
  site(enterprise?: string, host?: string): Promise<Site>;
  rows<T extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

export interface Server {
  url: string;
  app: FastifyInstance;
  log: string[];
  post(key: string, body: Buffer | string, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: IngestReply & WireProblem;
}

export interface Site {
  id: number;
  key: string;
}

export async function openOffice(): Promise<Office> {
  const db = await testDatabase();
  const closing: (() => Promise<unknown>)[] = [];
  const known = new Set<string>();
  return {
    db,
    server: async (options = {}) => {
      const server = await startServer(db.url, options);
      closing.push(server.close);
      return server;
    },
    site: async (enterprise = "0367", host = "10.88.10.11") => {
      if (!known.has(enterprise)) await addEnterpriseFor(db, enterprise);
      known.add(enterprise);
      const added = await addSite(db.pool, { enterpriseId: enterprise, host, name: `PBX of ${enterprise}` });
      if ("refused" in added) throw new Error(added.refused);
      return { id: added.site, key: added.key };
    },
    rows: async <T extends object>(sql: string, values: unknown[] = []) => (await db.pool.query<T>(sql, values)).rows,
    close: async () => {
      for (const close of closing.toReversed()) await close();
      await db.drop();
    },
  };
}

async function addEnterpriseFor(db: TestDatabase, id: string): Promise<void> {
  await addEnterprise(db.pool, {
    id,
    name: `Company ${id}`,
    token: `token-${id}`,
    timezone: "Europe/Kyiv",
    extensions: "^1[5-7]\\d$",
    trunks: ["trunk-a", "trunk-b", "trunk-s"],
  });
}

async function startServer(url: string, options: Partial<AppOptions>): Promise<Server & { close(): Promise<void> }> {
  const pool = openPool({ url, name: "test server", connectionsMax: 10 });
  const log: string[] = [];
  const logger = createLogger({ name: "test", level: "warn", destination: { write: (line) => void log.push(line) } });
  const app = buildApp({ pool, log: logger, ...options });
  const base = await app.listen({ host: "127.0.0.1", port: 0 });
  const post = async (key: string, body: Buffer | string, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(base + INGEST_PATH, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson", ...headers },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
  };
  const close = async () => {
    await app.close();
    await pool.end();
  };
  return { url: base, app, log, post, close };
}

export const STREAM = "00000000-0000-4000-8000-000000000001";

export interface Sending {
  stream?: string;
  lane?: Lane;
  highestSeq?: number;
  oldestUnacked?: number | null;
  v?: unknown;
  /** By the agent's clock, which may be wrong. */
  sentAt?: number;
  /** A stream of one of Asterisk's own files, and the part of it the batch accounts for. */
  kind?: "file";
  span?: [number, number];
}

/** An event line as an agent writes it. */
export function line({ seq, at, origin, ev }: Omit<CallEvent, "stream">): string {
  return JSON.stringify({ seq, at: Math.round(at), mono: seq, origin, ev });
}

/** A whole body: header line and event lines. Unless told otherwise nothing was acked yet. */
export function body(lines: readonly string[], sending: Sending = {}): string {
  const { stream = STREAM, lane = "live", highestSeq = lines.length, oldestUnacked = 1, v = 1, kind, span } = sending;
  const { sentAt = Date.now() } = sending;
  const header = {
    v,
    stream,
    kind,
    span,
    lane,
    agent: "test 1.0",
    sent_at: sentAt,
    highest_seq: highestSeq,
    oldest_unacked: oldestUnacked,
    waiting: 0,
    report: { ami: "connected", outbox_bytes: 4096 },
  };
  return [JSON.stringify(header), ...lines].map((text) => `${text}\n`).join("");
}

/** Sends events as one batch and insists that all of them were acked. */
export async function send(
  server: Server,
  site: Site,
  events: readonly Omit<CallEvent, "stream">[],
  sending: Sending = {},
): Promise<IngestReply> {
  const packed = gzipSync(body(events.map(line), sending));
  for (;;) {
    const answer = await server.post(site.key, packed, { "content-encoding": "gzip" });
    if (answer.status === 503) continue;
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.message}`);
    return answer.body;
  }
}

export function heartbeat(server: Server, site: Site, sending: Sending = {}): Promise<IngestReply> {
  return send(server, site, [], sending);
}

/** Waits until a look at the database shows what is expected; the last look fails the test otherwise. */
export async function eventually(look: () => Promise<void>, msMax = 5_000): Promise<void> {
  const deadline = performance.now() + msMax;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
