import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { addEnterprise } from "../server/store/addEnterprise.ts";
import { openPool } from "../server/store/pool.ts";
import { startServer, temporaryFolder } from "../test/support/processes.ts";
import { type Agent, newAgents, packAll } from "./agents.ts";
import { figure, percentile, type Bench, type Figure } from "./figure.ts";
import { loadLog, type LoggedEvent } from "./load-log.ts";

const LIVE_SITES = 100;
const LIVE_EVENTS_PER_SECOND = 1_000;
const LIVE_BATCH_EVENTS = 4;
/** More than a site sends in the time there is. */
const LIVE_EVENTS = 500;
const BACKLOG_SITES = 20;
const BACKLOG_CALLS = 600;
/** What fits an agent's backlog request. */
const BACKLOG_BATCH_EVENTS = 450;
/** No two logs begin within so many hours. */
const LOG_HOURS = 3;
const WARM_UP_MS = 5_000;
const SECONDS = 10;
const ENTERPRISE = {
  id: "0367",
  name: "Bench",
  token: "t",
  timezone: "UTC",
  extensions: "^1\\d\\d$",
  trunks: ["trunk-a"],
};

/** A server after a night without network: twenty agents bring a backlog at once, the others' calls go on. */
export const crowdBench: Bench = {
  name: "crowd",
  what: `${LIVE_SITES} live sites beside ${BACKLOG_SITES} that bring a backlog`,
  async run(say) {
    const folder = temporaryFolder();
    const server = await startServer({ dataDir: join(folder.path, "data") });
    const pool = openPool({ url: server.databaseUrl ?? "", name: "bench" });
    try {
      await addEnterprise(pool, ENTERPRISE);
      const agents = (count: number) => newAgents(pool, { serverUrl: server.url, enterpriseId: ENTERPRISE.id, count });
      const live = (await agents(LIVE_SITES)).map(
        (agent, index) => new LiveSite(agent, loadLog(1, index).slice(0, LIVE_EVENTS)),
      );
      const backlogs = await packBacklogs(await agents(BACKLOG_SITES));
      await acksOf(live, WARM_UP_MS);
      const alone = await acksOf(live, SECONDS * 1000);
      const before = await storedEvents(pool);
      const beside = acksOf(live, SECONDS * 1000);
      await sendUntil(backlogs, performance.now() + SECONDS * 1000);
      const delays = await beside;
      const rate = ((await storedEvents(pool)) - before) / SECONDS;
      say(`${alone.length} live batches alone, ${delays.length} beside ${Math.round(rate)} events/s in all`);
      return figures(alone, delays, rate);
    } finally {
      await pool.end();
      await server.stop();
      folder.remove();
    }
  },
};

/** A site whose calls go on: a small batch now and then, at a steady rate. */
class LiveSite {
  readonly #agent: Agent;
  readonly #log: readonly LoggedEvent[];
  #sent = 0;

  constructor(agent: Agent, log: readonly LoggedEvent[]) {
    this.#agent = agent;
    this.#log = log;
  }

  /** Sends until then; how long each batch took to be acked, ms. */
  async sendUntil(until: number): Promise<number[]> {
    const everyMs = (LIVE_SITES * LIVE_BATCH_EVENTS * 1000) / LIVE_EVENTS_PER_SECOND;
    const delays: number[] = [];
    await sleep(Math.random() * everyMs);
    while (performance.now() < until && this.#sent < this.#log.length) {
      const batch = this.#log.slice(this.#sent, this.#sent + LIVE_BATCH_EVENTS);
      this.#sent += batch.length;
      const delay = await this.#agent.send(await this.#agent.pack(batch, "live", this.#sent));
      delays.push(delay);
      await sleep(Math.max(0, everyMs - delay));
    }
    return delays;
  }
}

async function acksOf(sites: readonly LiveSite[], forMs: number): Promise<number[]> {
  const until = performance.now() + forMs;
  return (await Promise.all(sites.map((site) => site.sendUntil(until)))).flat();
}

interface Backlog {
  agent: Agent;
  bodies: readonly Buffer[];
}

function packBacklogs(agents: readonly Agent[]): Promise<Backlog[]> {
  return Promise.all(
    agents.map(async (agent, index) => {
      const log = loadLog(BACKLOG_CALLS, LIVE_SITES + index * LOG_HOURS);
      return { agent, bodies: await packAll(agent, log, BACKLOG_BATCH_EVENTS) };
    }),
  );
}

async function sendUntil(backlogs: readonly Backlog[], until: number): Promise<void> {
  await Promise.all(
    backlogs.map(async ({ agent, bodies }) => {
      for (const body of bodies) if (performance.now() < until) await agent.send(body);
    }),
  );
}

async function storedEvents(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>("SELECT count(*)::float8 AS n FROM ami_events");
  return rows[0]?.n ?? 0;
}

function figures(alone: readonly number[], beside: readonly number[], rate: number): Figure[] {
  const delays = [50, 99].map((p) => {
    const limit = { what: "without a backlog", value: percentile(alone, p) };
    const what = `${LIVE_SITES} live sites beside ${BACKLOG_SITES} backlogs: batch -> ack, p${p}`;
    return figure(what, "ms", percentile(beside, p), limit, "2x or less");
  });
  return [...delays, figure("events stored meanwhile", "events/s", rate)];
}
