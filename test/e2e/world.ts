import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { startLink, type Link } from "../support/link.ts";
import { DEMO_USER, startPbx, type Pbx, type PbxOptions } from "../support/pbx/pbx.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import {
  startAgent,
  startServer,
  temporaryFolder,
  writeAgentConfig,
  type RunningAgent,
  type RunningServer,
} from "../support/processes.ts";

/** A server on a database of its own, and whatever sites a test adds: real processes throughout. */
export interface World {
  database: TestDatabase;
  server: RunningServer;
  /** Kills or stops nothing; starts the server again on the port it had. */
  serverAgain(): Promise<void>;
  /** A site with its PBX stand-in and link; its agent starts unless told otherwise. */
  site(options?: SiteOptions): Promise<Site>;
  /** Stops everything in good order and removes every trace. */
  close(): Promise<void>;
}

export interface SiteOptions {
  enterprise?: string;
  host?: string;
  pbx?: PbxOptions;
  liveWindowSeconds?: number;
  /** false: the test starts it itself. */
  start?: boolean;
}

export interface Site {
  id: number;
  pbx: Pbx;
  link: Link;
  configPath: string;
  agent: RunningAgent | null;
  /** Starts the agent (again) and waits until it has logged in and asked what exists. */
  startAgent(): Promise<void>;
}

export interface WorldOptions {
  /** false: it is stopped again. */
  server?: boolean;
  /** Of the server. */
  env?: Record<string, string>;
}

export async function openWorld({ server, env = {} }: WorldOptions = {}): Promise<World> {
  const folder = temporaryFolder();
  const database = await testDatabase();
  const sites: Site[] = [];
  let folders = 0;
  const world: World = {
    database,
    server: await startServer({ databaseUrl: database.url, env }),
    serverAgain: async () => {
      world.server = await startServer({ databaseUrl: database.url, port: world.server.port, env });
    },
    site: async (siteOptions = {}) => {
      const site = await openSite(world, join(folder.path, `site-${folders++}`), siteOptions);
      sites.push(site);
      return site;
    },
    close: async () => {
      await Promise.all(sites.map((site) => site.agent?.stop()));
      await world.server.stop();
      await Promise.all(sites.flatMap((site) => [site.link.stop(), site.pbx.stop()]));
      await database.drop();
      folder.remove();
    },
  };
  if (server === false) await world.server.stop();
  return world;
}

async function openSite(world: World, folder: string, options: SiteOptions): Promise<Site> {
  const enterpriseId = options.enterprise ?? "0367";
  const pbx = await startPbx({ users: [DEMO_USER], writeTimeoutMs: null, ...options.pbx });
  const link = await startLink({ port: world.server.port });
  await addEnterprise(world.database.pool, {
    id: enterpriseId,
    name: "Demo",
    token: `token-${enterpriseId}`,
    timezone: "Europe/Moscow",
    extensions: "^1\\d\\d$",
    trunks: ["trunk-a", "trunk-b", "trunk-s"],
  });
  const added = await addSite(world.database.pool, {
    enterpriseId,
    host: options.host ?? `10.88.10.${link.port}`,
    name: `port ${link.port}`,
  });
  if ("refused" in added) throw new Error(`No site for ${enterpriseId}: ${added.refused}`);
  mkdirSync(folder);
  const configPath = writeAgentConfig(folder, {
    serverUrl: link.url,
    key: added.key,
    amiPort: pbx.port,
    username: DEMO_USER.username,
    secret: DEMO_USER.secret,
    outboxPath: join(folder, "outbox.sqlite"),
    ...(options.liveWindowSeconds === undefined ? {} : { liveWindowSeconds: options.liveWindowSeconds }),
  });
  const site: Site = {
    id: added.site,
    pbx,
    link,
    configPath,
    agent: null,
    startAgent: async () => {
      site.agent = startAgent(configPath);
      await Promise.race([pbx.clientReady(), ended(site.agent)]);
    },
  };
  if (options.start !== false) await site.startAgent();
  return site;
}

async function ended(agent: RunningAgent): Promise<never> {
  const { code, signal } = await agent.exited;
  throw new Error(`The agent ended (status ${code}, signal ${signal}):\n${agent.output}`);
}
