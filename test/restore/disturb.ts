import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Random } from "../faults/random.ts";
import { pause, until } from "../faults/stack/stack.ts";
import type { House } from "./house.ts";

const REPO = join(import.meta.dirname, "../..");
const DOWNLOAD_MS_MAX = 60_000;
const REPAIR_BEGUN_MS_MAX = 30_000;

const VICTIMS = ["agent", "server", "PostgreSQL"] as const;
export type Victim = (typeof VICTIMS)[number];

/** What was done to the house, by the test's monotonic clock. */
export interface Done {
  kills: { what: Victim; atMono: number }[];
  /** `server -- download --wait` that were begun, and that ended well. */
  downloads: { begun: number; done: number };
  /** Readings of Asterisk's own files in the middle of which somebody was killed. */
  repairsStruck: number;
}

export function nothingDone(): Done {
  return { kills: [], downloads: { begun: 0, done: 0 }, repairsStruck: 0 };
}

/** Kills one of each, in any order, each while an agent is asked for a window of time and the checks are run. */
export async function disturb(house: House, done: Done, log: (line: string) => void): Promise<void> {
  const { random } = house;
  const downloads: Promise<void>[] = [];
  for (const what of shuffled(VICTIMS, random)) {
    const { id } = random.pick(house.sites);
    downloads.push(download(house, id, done));
    await pause(random.between(200, 1_500));
    await strike(house, what, done, (victim) => log(`kill -9 of ${victim} while site ${id} is asked for a window`));
    await pause(random.between(300, 1_200));
  }
  await Promise.all(downloads);
}

/** Kills any of them, some moment within the second. */
export async function strikeSoon(house: House, done: Done, log: (line: string) => void): Promise<void> {
  await pause(house.random.between(50, 1_000));
  await strike(house, house.random.pick(VICTIMS), done, (victim) => log(`kill -9 of ${victim} while sites refill`));
}

/** Leaves a PBX without an agent for a while, and kills any of them as soon as the first rows of that time have come. */
export async function strikeRepair(house: House, done: Done, log: (line: string) => void): Promise<void> {
  const { random, database } = house;
  const { id, agent } = random.pick(house.sites);
  const recovered = async (): Promise<number> => {
    const [row] = await database.query<{ n: string }>(
      `SELECT count(*) AS n FROM ami_events WHERE site_id = ${id} AND origin = 'recovered'`,
    );
    return Number(row?.n);
  };
  done.kills.push({ what: "agent", atMono: performance.now() });
  await agent.kill();
  await pause(random.between(2_000, 4_000));
  const before = await recovered();
  agent.start();
  if (!(await until(async () => (await recovered()) > before, REPAIR_BEGUN_MS_MAX, 10)))
    throw new Error(`site ${id} reads nothing of what its agent missed:\n${agent.lastWords()}`);
  done.repairsStruck++;
  const index = house.sites.findIndex((site) => site.id === id);
  await strike(
    house,
    random.pick(VICTIMS),
    done,
    (victim) => log(`kill -9 of ${victim} while site ${id} reads files`),
    index,
  );
}

async function strike(
  house: House,
  what: Victim,
  done: Done,
  tell: (victim: string) => void,
  agentIndex = house.random.int(house.sites.length),
): Promise<void> {
  const index = what === "agent" ? agentIndex : house.random.int(house.servers.length);
  tell(what === "PostgreSQL" ? what : `${what} ${index + 1}`);
  done.kills.push({ what, atMono: performance.now() });
  await kill(house, what, index);
}

async function kill({ random, sites, servers, database }: House, what: Victim, index: number): Promise<void> {
  if (what === "PostgreSQL") {
    database.kill();
    await pause(500);
    await database.query("SELECT 1");
    return;
  }
  const victim = what === "agent" ? sites[index]!.agent : servers[index]!;
  await victim.kill();
  if (random.chance(0.5)) await pause(random.between(100, 1_000));
  await victim.start();
}

/** The operator's command, which must end by itself; while PostgreSQL is away it may fail, and says so. */
async function download({ database }: House, site: number, done: Done): Promise<void> {
  done.downloads.begun++;
  const window = ["--from", new Date(Date.now() - 600_000).toISOString(), "--to", new Date().toISOString()];
  const env = { ...process.env, DATABASE_URL: database.url, NODE_OPTIONS: undefined };
  const run = async (...args: string[]): Promise<number> =>
    new Promise((resolve) => {
      const options = { cwd: REPO, env, timeout: DOWNLOAD_MS_MAX };
      const child = execFile(process.execPath, ["server/main.ts", ...args], options, () =>
        resolve(child.exitCode ?? -1),
      );
    });
  await run("sync", "run");
  const status = await run("download", "--site", String(site), ...window, "--wait", "--json");
  if (status === 0) done.downloads.done++;
  if (status === -1) throw new Error(`download --wait of site ${site} did not end within ${DOWNLOAD_MS_MAX} ms`);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = items.map((item) => ({ item, at: random.next() }));
  return order.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
}
