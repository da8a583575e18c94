import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import pg, { type Pool } from "pg";
import { Client } from "undici";
import { linkKeys, type CallEvent } from "../server/assemble/index.ts";
import { buildApp } from "../server/http/app.ts";
import { addEnterprise } from "../server/store/addEnterprise.ts";
import { addSite } from "../server/store/addSite.ts";
import { startEmbedded } from "../server/store/embedded.ts";
import type { EventRow } from "../server/store/insertEvents.ts";
import { migrate } from "../server/store/migrate.ts";
import { openPool } from "../server/store/pool.ts";
import { createLogger } from "../shared/log.ts";
import { INGEST_PATH, NDJSON, WIRE_VERSION, type IngestHeader } from "../shared/wire.ts";
import { temporaryFolder } from "../test/support/processes.ts";
import { bareCopy } from "./bare-copy.ts";
import { figure, type Bench, type Figure } from "./figure.ts";
import { loadLog, type LoggedEvent } from "./load-log.ts";

const CALLS = 3_000;
/** The agent's largest backlog batch. */
const BATCH_EVENTS = 1_000;
const ENTERPRISE = {
  id: "0367",
  name: "Bench",
  token: "t",
  timezone: "UTC",
  extensions: "^1\\d\\d$",
  trunks: ["trunk-a", "trunk-b"],
};

/** Batches as the agent sends them, one after the other on one connection, against a COPY of the same events. */
export const ingestBench: Bench = {
  name: "ingest",
  what: "batches -> rows with calls assembled",
  async run(say) {
    const folder = temporaryFolder();
    const database = await startEmbedded({ dataDir: join(folder.path, "data") });
    const pool = openPool({ url: database.url, name: "bench" });
    try {
      await migrate(database.url);
      const log = loadLog(CALLS);
      const bareSeconds = await copyBare(database.url, log);
      const seconds = await ingest(pool, log);
      await check(pool, log.length);
      say(`${log.length} events of ${CALLS} calls in batches of ${BATCH_EVENTS}`);
      return figures(log.length, seconds, bareSeconds);
    } finally {
      await pool.end();
      await database.stop();
      folder.remove();
    }
  },
};

function figures(events: number, seconds: number, bareSeconds: number): Figure[] {
  const limit = { what: "bare COPY into ami_events' shape", value: events / bareSeconds };
  return [figure("batches -> rows with calls assembled", "events/s", events / seconds, limit, "0.5 or more")];
}

async function ingest(pool: Pool, log: readonly LoggedEvent[]): Promise<number> {
  await addEnterprise(pool, ENTERPRISE);
  const site = await addSite(pool, { enterpriseId: ENTERPRISE.id, host: "127.0.0.1", name: "Bench" });
  if (!("key" in site)) throw new Error("the bench's site could not be added");
  const app = buildApp({ pool, log: createLogger({ name: "bench", level: "silent" }) });
  const client = new Client(await app.listen({ port: 0, host: "127.0.0.1" }));
  const stream = randomUUID();
  const bodies = await Promise.all(slices(log).map((events) => compress(bodyOf(stream, events, log.length))));
  const headers = { authorization: `Bearer ${site.key}`, "content-type": NDJSON, "content-encoding": "zstd" };
  const startedAt = performance.now();
  for (const body of bodies) {
    const reply = await client.request({ method: "POST", path: INGEST_PATH, headers, body });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`the server answered ${reply.statusCode}: ${text}`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await client.close();
  await app.close();
  return seconds;
}

const compress = promisify(zstdCompress);

function bodyOf(stream: string, events: readonly LoggedEvent[], highest: number): string {
  const header: IngestHeader = {
    v: WIRE_VERSION,
    stream,
    lane: "backlog",
    agent: "bench",
    sent_at: Date.now(),
    highest_seq: highest,
    oldest_unacked: events[0]!.seq,
    waiting: highest - events[0]!.seq + 1,
    report: { ami: "connected", outbox_bytes: 0 },
  };
  const lines = events.map(
    ({ seq, at, body }) => `{"seq":${seq},"at":${at},"mono":${at},"origin":"downloaded","ev":${body}}`,
  );
  return [JSON.stringify(header), ...lines, ""].join("\n");
}

/** The same events, the same batches, a table of the same shape with the same indexes, and nothing told of any call. */
async function copyBare(url: string, log: readonly LoggedEvent[]): Promise<number> {
  const rows = log.map(toRow);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("CREATE SCHEMA bare");
    await client.query("CREATE TABLE bare.ami_events (LIKE public.ami_events INCLUDING ALL)");
    await client.query("SET search_path = bare, public");
    const startedAt = performance.now();
    for (const batch of slices(rows)) await bareCopy(client, Date.now(), batch);
    const seconds = (performance.now() - startedAt) / 1000;
    const { rows: counted } = await client.query<{ n: number }>("SELECT count(*)::float8 AS n FROM bare.ami_events");
    if (counted[0]?.n !== rows.length) throw new Error(`COPY stored ${counted[0]?.n} of ${rows.length} events`);
    return seconds;
  } finally {
    await client.end();
  }
}

function toRow({ seq, at, origin, body }: LoggedEvent): EventRow {
  const ev = JSON.parse(body) as CallEvent["ev"];
  const digest = createHash("sha256").update(body).digest().subarray(0, 16);
  const linkedid = linkKeys(ev)[0] ?? null;
  return { streamId: 1, seq, siteId: 1, at, mono: at, origin, event: ev.Event, linkedid, digest, body };
}

async function check(pool: Pool, events: number): Promise<void> {
  const { rows } = await pool.query<{ events: number; calls: number }>(
    `SELECT (SELECT count(*)::float8 FROM ami_events) AS events,
            (SELECT count(*)::float8 FROM calls WHERE state = 'final') AS calls`,
  );
  const stored = rows[0];
  if (stored?.events !== events || stored.calls < CALLS) {
    throw new Error(`stored ${stored?.events} of ${events} events, ${stored?.calls} of ${CALLS} calls final`);
  }
}

function slices<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / BATCH_EVENTS);
  return Array.from({ length: count }, (_, i) => all.slice(i * BATCH_EVENTS, (i + 1) * BATCH_EVENTS));
}
