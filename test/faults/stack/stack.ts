import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newJournal, type Journal, type Span } from "../oracle/journal.ts";
import { OraclePbx } from "../oracle/pbx.ts";
import { Player } from "../oracle/player.ts";
import type { CallTemplate } from "../oracle/templates.ts";
import { randomFrom, type Random } from "../random.ts";
import { bendableMachine, plainMachine, type Machine } from "../shim/shim.ts";
import { AgentUnit } from "./agent.ts";
import { Database } from "./database.ts";
import { DatabaseLink } from "./database-link.ts";
import { mayMount, outboxDisk, plainDisk, type OutboxDisk } from "./disk.ts";
import { Link } from "./link.ts";
import { serverCommand, ServerUnit } from "./server.ts";
import { WireTap } from "./tap.ts";

/** The second PBX's events and ids are far from the first one's. */
const SECOND_BASE = 10_000_000;

export interface StackOptions {
  seed: number;
  templates: readonly CallTemplate[];
  eventsPerSecond: number;
  servers: number;
  liveWindowSeconds: number;
  agentToml?: string;
  /** The agent's one-file program; absent: its sources. */
  agentBinary?: string | undefined;
  /** The outbox on the machine's own disk, which is never full and keeps what is synced. */
  plainDisk?: boolean;
}

/** Everything that runs: PBX, agent, link, servers, PostgreSQL; and what the oracle knows of it. */
export interface Stack {
  readonly dir: string;
  readonly options: StackOptions;
  readonly random: Random;
  readonly machine: Machine;
  readonly canBend: boolean;
  readonly canMount: boolean;
  readonly journal: Journal;
  readonly pbx: OraclePbx;
  readonly player: Player;
  readonly database: Database;
  /** Between the servers and PostgreSQL. */
  readonly databaseLink: DatabaseLink;
  /** The machine the servers run on; null when it cannot be bent. */
  readonly serverMachine: Machine | null;
  readonly servers: readonly ServerUnit[];
  readonly tap: WireTap;
  readonly link: Link;
  readonly disk: OutboxDisk;
  readonly agent: AgentUnit;
  readonly site: { id: number; key: string };
  /** A site nobody disturbs, for the same calls once more. */
  readonly referenceSite: { id: number; key: string };
  /** Numbers of events that were not on the server when the outbox was damaged: a gap may excuse them. */
  readonly excusable: Set<number>;
  /** When an outbox was damaged, by the machine's clock: a gap around it cannot know exactly what was lost. */
  readonly damages: number[];
  /** What was once shown may be gone after the database was put back to a backup. */
  readonly restores: { atMono: number }[];
  /** When two agents claimed to be this site. */
  readonly disputes: Span[];
  /** When the machine's clock was behind. */
  readonly clockBacks: Span[];
  /** When the machine's clock was set. */
  readonly clockJumps: number[];
  /** Sets the machine's clock, and notes it; 0: right again. */
  setClock(offsetMs: number): void;
  /** More PBXs with their players and agents (a copied machine). */
  addMachine(name: string): Promise<SecondMachine>;
  close(keep: boolean): Promise<void>;
}

export interface SecondMachine {
  pbx: OraclePbx;
  player: Player;
  agent: AgentUnit;
}

interface Site {
  site: number;
  key: string;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = mkdtempSync(join(tmpdir(), "rp-faults-"));
  const random = randomFrom(options.seed);
  const bent = bendableMachine(dir, join(dir, "disk"));
  const machine = bent ?? plainMachine();
  const now = (): number => machine.now();
  const journal = newJournal();
  const clockJumps: number[] = [];
  const clockBacks: Span[] = [];
  let number = 0;
  const numbers = (): number => ++number;
  const database = await Database.start(join(dir, "database"));
  const databaseLink = new DatabaseLink(() => database.port);
  await databaseLink.open();
  const serverMachine = bent === null ? null : bendableMachine(serverDir(dir), "");
  const servers = await startServers(options.servers, databaseLink.through(database.url), dir, serverMachine);
  const { site, referenceSite } = await addSites(database.url);
  const tap = new WireTap();
  const link = new Link([...servers], tap);
  await link.open();
  const disk = options.plainDisk === true ? plainDisk(dir, machine) : await outboxDisk(dir, machine);
  let machines = 0;
  const addMachine = async (name: string): Promise<SecondMachine> => {
    const first = machines++ === 0;
    const pbx = new OraclePbx({ name, journal, now, numbers });
    await pbx.open();
    const base = (machines - 1) * SECOND_BASE + 100;
    const { templates, eventsPerSecond } = options;
    const player = new Player({ pbx, journal, templates, random: random.fork(name), now, eventsPerSecond, base });
    const outboxDir = first ? disk.path : join(dir, name);
    const agent = new AgentUnit({
      name: `agent-${name}`,
      pbx: name,
      amiPort: pbx.port,
      serverUrl: link.url,
      siteKey: site.key,
      outboxDir,
      outboxDirOutside: first ? disk.seenFromOutside : outboxDir,
      enter: first ? disk.enter : [],
      workDir: dir,
      liveWindowSeconds: options.liveWindowSeconds,
      machine,
      journal,
      ...(options.agentToml === undefined ? {} : { extraToml: options.agentToml }),
      ...(options.agentBinary === undefined ? {} : { binary: options.agentBinary }),
    });
    const added = { pbx, player, agent };
    extra.push(added);
    return added;
  };
  const extra: SecondMachine[] = [];
  const { pbx, player, agent } = await addMachine("pbx");
  const close = async (keep: boolean): Promise<void> => {
    for (const { player, agent } of extra) {
      player.stop();
      await agent.end();
    }
    for (const server of servers) await server.end();
    for (const { pbx } of extra) await pbx.close();
    await link.close();
    await databaseLink.close();
    await database.stop();
    await disk.close();
    machine.close();
    serverMachine?.close();
    if (!keep) rmSync(dir, { recursive: true, force: true });
  };
  return {
    dir,
    options,
    random,
    machine,
    canBend: bent !== null,
    canMount: mayMount(),
    journal,
    pbx,
    player,
    database,
    databaseLink,
    serverMachine,
    servers,
    tap,
    link,
    disk,
    agent,
    site,
    referenceSite,
    excusable: new Set(),
    damages: [],
    restores: [],
    disputes: [],
    clockBacks,
    clockJumps,
    setClock: (offsetMs) => {
      const atMono = performance.now();
      clockJumps.push(atMono);
      const behind = clockBacks.at(-1);
      if (behind?.toMono === null) behind.toMono = atMono;
      if (offsetMs < 0) clockBacks.push({ fromMono: atMono, toMono: null });
      journal.clockOffsetsMs.add(offsetMs);
      machine.setClockOffset(offsetMs);
    },
    addMachine,
    close,
  };
}

function serverDir(dir: string): string {
  const workDir = join(dir, "servers");
  mkdirSync(workDir, { recursive: true });
  return workDir;
}

async function startServers(
  count: number,
  databaseUrl: string,
  dir: string,
  machine: Machine | null,
): Promise<ServerUnit[]> {
  const servers: ServerUnit[] = [];
  for (let n = 1; n <= count; n++) {
    const server = await ServerUnit.make(`server-${n}`, databaseUrl, serverDir(dir), machine?.env);
    await server.start();
    servers.push(server);
  }
  return servers;
}

async function addSites(url: string): Promise<Pick<Stack, "site" | "referenceSite">> {
  const add = async (enterprise: string, host: string): Promise<{ id: number; key: string }> => {
    const shape = ["--extensions", "^1\\d\\d$", "--trunks", "trunk-a,trunk-b"];
    await serverCommand(url, ["enterprise", "add", enterprise, "--name", enterprise, "--token", enterprise, ...shape]);
    const added = await serverCommand<Site>(url, ["site", "add", enterprise, "--host", host, "--name", enterprise]);
    return { id: added.site, key: added.key };
  };
  return { site: await add("0367", "10.88.10.11"), referenceSite: await add("0368", "10.88.10.12") };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until a condition holds; false when it did not within the time. */
export async function until(
  what: () => boolean | Promise<boolean>,
  deadlineMs: number,
  everyMs = 100,
): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (performance.now() < end) {
    if (await what()) return true;
    await pause(everyMs);
  }
  return what();
}
