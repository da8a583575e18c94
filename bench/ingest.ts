import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Pool } from "pg";
import { linkKeys, type CallEvent } from "../server/assemble/index.ts";
import { buildApp } from "../server/http/app.ts";
import { addEnterprise } from "../server/store/addEnterprise.ts";
import { startEmbedded } from "../server/store/embedded.ts";
import type { EventRow } from "../server/store/insertEvents.ts";
import { migrate } from "../server/store/migrate.ts";
import { openPool } from "../server/store/pool.ts";
import { createLogger } from "../shared/log.ts";
import { temporaryFolder } from "../test/support/processes.ts";
import { newAgents, packAll } from "./agents.ts";
import { copyAllRows, copyEvents } from "./bare-copy.ts";
import { figure, percentile, type Bench, type Figure } from "./figure.ts";
import { loadLog, type LoggedEvent } from "./load-log.ts";

const CALLS = 3_000;
/** The agent's largest backlog batch. */
const BATCH_EVENTS = 1_000;
/** Each time with sites and ids of their own; the middle one counts. */
const ROUNDS = 3;
const CROWD_AGENTS = 8;
const CROWD_CALLS = 600;
/** No two logs begin within so many hours. */
const LOG_HOURS = 20;
const ENTERPRISE = {
  id: "0367",
  name: "Bench",
  token: "t",
  timezone: "UTC",
  extensions: "^1\\d\\d$",
  trunks: ["trunk-a", "trunk-b"],
};

/** Batches as agents send them, against a COPY of the same events, and against a COPY of all the rows that come of them. */
export const ingestBench: Bench = {
  name: "ingest",
  what: "batches -> rows with calls assembled",
  async run(say) {
    const folder = temporaryFolder();
    const database = await startEmbedded({ dataDir: join(folder.path, "data") });
    const pool = openPool({ url: database.url, name: "bench" });
    try {
      await migrate(database.url);
      await addEnterprise(pool, ENTERPRISE);
      const measured = await measure(pool, database.url);
      say(`${measured.events} events of ${CALLS} calls in batches of ${BATCH_EVENTS}, ${ROUNDS} times`);
      return figures(measured);
    } finally {
      await pool.end();
      await database.stop();
      folder.remove();
    }
  },
};

interface Measured {
  events: number;
  /** Events a second. */
  bare: number;
  bareRows: number;
  alone: number;
  crowd: number;
}

async function measure(pool: Pool, url: string): Promise<Measured> {
  const log = loadLog(CALLS);
  const rows = log.map(toRow);
  const rates = { bare: [] as number[], alone: [] as number[], crowd: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const hour = round * (CROWD_AGENTS + 1) * LOG_HOURS;
    rates.bare.push(log.length / (await copyEvents(url, rows, BATCH_EVENTS)));
    rates.alone.push(await ingest(pool, [loadLog(CALLS, hour)]));
    const others = Array.from({ length: CROWD_AGENTS }, (_, i) => loadLog(CROWD_CALLS, hour + (i + 1) * LOG_HOURS));
    rates.crowd.push(await ingest(pool, others));
  }
  const stored = await storedEvents(pool);
  const median = (values: number[]) => percentile(values, 50);
  const bareSeconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) bareSeconds.push(await copyAllRows(url));
  return {
    events: log.length,
    bare: median(rates.bare),
    bareRows: stored / median(bareSeconds),
    alone: median(rates.alone),
    crowd: median(rates.crowd),
  };
}

function figures({ bare, bareRows, alone, crowd }: Measured): Figure[] {
  const events = { what: "bare COPY into ami_events' shape", value: bare };
  const rows = { what: "bare COPY of all rows written, ready made", value: bareRows };
  const unit = "events/s";
  return [
    figure("batches -> rows with calls assembled", unit, alone, events, "0.5 or more"),
    figure("the same, against all that is written", unit, alone, rows),
    figure(`${CROWD_AGENTS} agents at once, one connection`, unit, crowd, events, "0.5 or more"),
    figure("the same, against all that is written", unit, crowd, rows),
  ];
}

/** Events a second: one site for each log, all sending at once. Their batches go through one connection to PostgreSQL. */
async function ingest(pool: Pool, logs: readonly LoggedEvent[][]): Promise<number> {
  const before = await storedEvents(pool);
  const app = buildApp({ pool, log: createLogger({ name: "bench", level: "silent" }) });
  const serverUrl = await app.listen({ port: 0, host: "127.0.0.1" });
  const agents = await newAgents(pool, { serverUrl, enterpriseId: ENTERPRISE.id, count: logs.length });
  const packed = await Promise.all(agents.map((agent, index) => packAll(agent, logs[index]!, BATCH_EVENTS)));
  const startedAt = performance.now();
  await Promise.all(
    agents.map(async (agent, index) => {
      for (const body of packed[index]!) await agent.send(body);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  for (const agent of agents) await agent.close();
  await app.close();
  const events = logs.flat().length;
  await check(pool, before + events);
  return events / seconds;
}

function toRow({ seq, at, origin, body }: LoggedEvent): EventRow {
  const ev = JSON.parse(body) as CallEvent["ev"];
  const digest = createHash("sha256").update(body).digest().subarray(0, 16);
  const linkedid = linkKeys(ev)[0] ?? null;
  return { streamId: 1, seq, siteId: 1, at, mono: at, origin, event: ev.Event, linkedid, digest, body };
}

async function storedEvents(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>("SELECT count(*)::float8 AS n FROM ami_events");
  return rows[0]?.n ?? 0;
}

async function check(pool: Pool, events: number): Promise<void> {
  const stored = await storedEvents(pool);
  const { rows } = await pool.query<{ n: number }>("SELECT count(*)::float8 AS n FROM calls WHERE state <> 'final'");
  if (stored !== events || rows[0]?.n !== 0) {
    throw new Error(`stored ${stored} of ${events} events, ${rows[0]?.n} calls are not final`);
  }
}
