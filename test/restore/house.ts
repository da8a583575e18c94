import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openVault } from "../../server/deliver/secrets.ts";
import { FinalityWatch } from "../faults/audit/finality.ts";
import { newJournal, type Journal } from "../faults/oracle/journal.ts";
import { OraclePbx } from "../faults/oracle/pbx.ts";
import { Player } from "../faults/oracle/player.ts";
import type { CallTemplate } from "../faults/oracle/templates.ts";
import { randomFrom, type Random } from "../faults/random.ts";
import { plainMachine } from "../faults/shim/shim.ts";
import { AgentUnit } from "../faults/stack/agent.ts";
import { Database } from "../faults/stack/database.ts";
import { Link } from "../faults/stack/link.ts";
import { serverCommand, ServerUnit } from "../faults/stack/server.ts";
import { WireTap } from "../faults/stack/tap.ts";
import { Receiver } from "./receiver.ts";
import { type OpenRecords, openRecords } from "./records.ts";

const SECRET_KEY = "a key for this test alone";
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const ENTERPRISE = "0367";
const SERVERS = 2;

export interface HouseOptions {
  seed: number;
  sites: number;
  eventsPerSecond: number;
  templates: readonly CallTemplate[];
  liveWindowSeconds: number;
}

/** A PBX with its agent, its way to the servers, and what really happened there. */
export interface HouseSite {
  id: number;
  /** The same calls once more, undisturbed; nobody is told of them. */
  reference: { id: number; key: string };
  journal: Journal;
  pbx: OraclePbx;
  player: Player;
  agent: AgentUnit;
  watch: FinalityWatch;
  /** What the PBX itself writes of its calls. */
  records: OpenRecords;
}

/** Real processes: agents, two servers on one PostgreSQL, and a receiver of webhooks. */
export interface House {
  dir: string;
  random: Random;
  database: Database;
  servers: readonly ServerUnit[];
  sites: readonly HouseSite[];
  receiver: Receiver;
  close(): Promise<void>;
}

export async function openHouse(options: HouseOptions): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), "rp-restore-"));
  const random = randomFrom(options.seed);
  const database = await Database.start(join(dir, "database"));
  const receiver = await Receiver.open();
  const servers = await startServers(database.url, dir);
  await addEnterprises(database, receiver.url);
  const link = new Link([...servers], new WireTap());
  link.route = (count) => random.int(count);
  await link.open();
  const sites: HouseSite[] = [];
  for (let n = 1; n <= options.sites; n++) sites.push(await openSite(n, options, { dir, random, database, link }));
  const close = async (): Promise<void> => {
    for (const { player, agent, watch } of sites) {
      player.stop();
      await watch.stop();
      await agent.end();
    }
    for (const server of servers) await server.end();
    for (const { pbx, records } of sites) {
      await pbx.close();
      records.close();
    }
    await link.close();
    await receiver.close();
    await database.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { dir, random, database, servers, sites, receiver, close };
}

async function startServers(databaseUrl: string, dir: string): Promise<ServerUnit[]> {
  const workDir = join(dir, "servers");
  mkdirSync(workDir);
  const env = { RINGPOST_SECRET_KEY: SECRET_KEY };
  const made = [];
  for (let n = 1; n <= SERVERS; n++) made.push(await ServerUnit.make(`server-${n}`, databaseUrl, workDir, env));
  for (const server of made) await server.start();
  return made;
}

/** One that is told of every step, and one for the undisturbed calls that is told of none. */
async function addEnterprises(database: Database, url: string): Promise<void> {
  const shape = ["--extensions", "^1\\d\\d$", "--trunks", "trunk-a,trunk-b"];
  for (const id of [ENTERPRISE, "reference"])
    await serverCommand(database.url, ["enterprise", "add", id, "--name", id, "--token", id, ...shape]);
  const secret = openVault({ secretKey: SECRET_KEY }).seal(SECRET, ENTERPRISE);
  const events = ["start", "dial", "bridge", "hangup"];
  const integrations = [{ name: "crm", url, events, allow_private: true, secret }];
  await database.query("UPDATE enterprises SET settings = $1 WHERE id = $2", [
    JSON.stringify({ integrations }),
    ENTERPRISE,
  ]);
}

async function openSite(
  n: number,
  options: HouseOptions,
  { dir, random, database, link }: { dir: string; random: Random; database: Database; link: Link },
): Promise<HouseSite> {
  const { templates, eventsPerSecond, liveWindowSeconds } = options;
  const add = (enterprise: string, host: string) =>
    serverCommand<{ site: number; key: string }>(database.url, siteAdd(enterprise, host, `PBX ${n}`));
  const added = await add(ENTERPRISE, `10.88.10.${n}`);
  const reference = await add("reference", `10.88.11.${n}`);
  const name = `pbx-${n}`;
  const journal = newJournal();
  let number = 0;
  const now = (): number => Date.now();
  const pbx = new OraclePbx({ name, journal, now, numbers: () => ++number });
  await pbx.open();
  const base = n * 10_000_000;
  const root = join(dir, `${name}-root`);
  const records = openRecords(n % 2 === 0 ? "sqlite" : "csv", root);
  const player = new Player({
    pbx,
    journal,
    templates,
    random: random.fork(name),
    now,
    eventsPerSecond,
    base,
    records,
  });
  const outboxDir = join(dir, name);
  const agent = new AgentUnit({
    name: `agent-${n}`,
    pbx: name,
    amiPort: pbx.port,
    serverUrl: link.url,
    siteKey: added.key,
    outboxDir,
    outboxDirOutside: outboxDir,
    enter: [],
    workDir: dir,
    liveWindowSeconds,
    machine: plainMachine(),
    journal,
    extraToml: `[recover]\nroot = "${root}"`,
  });
  const watch = new FinalityWatch(database, added.site);
  return {
    id: added.site,
    reference: { id: reference.site, key: reference.key },
    journal,
    pbx,
    player,
    agent,
    watch,
    records,
  };
}

function siteAdd(enterprise: string, host: string, name: string): string[] {
  return ["site", "add", enterprise, "--host", host, "--name", name];
}
