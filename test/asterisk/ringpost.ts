import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import {
  agentStatus,
  type RunningAgent,
  type RunningServer,
  startAgent,
  startServer,
  temporaryFolder,
  writeAgentConfig,
} from "../support/processes.ts";
import { OFFICE } from "./lab/office.ts";
import type { Pbx } from "./lab/pbx.ts";

export const ENTERPRISE = "0367";
const LISTENING_MS_MAX = 20_000;

/** The real server and the real agent, listening to one PBX of the lab. */
export interface Ringpost {
  database: TestDatabase;
  server: RunningServer;
  agent: RunningAgent;
  site: number;
  configPath: string;
  close(): Promise<void>;
}

/** Starts both on a database of their own; returns when the agent listens to the PBX. */
export async function openRingpost(pbx: Pbx): Promise<Ringpost> {
  const folder = temporaryFolder();
  const database = await testDatabase();
  const { site, key } = await office(database, pbx);
  const server = await startServer({ databaseUrl: database.url });
  const configPath = writeAgentConfig(folder.path, {
    serverUrl: server.url,
    key,
    amiPort: pbx.state.ports.ami,
    username: "ringpost",
    secret: pbx.state.secret,
    outboxPath: join(folder.path, "outbox.sqlite"),
  });
  const agent = startAgent(configPath);
  const close = async (): Promise<void> => {
    await agent.stop();
    await server.stop();
    await database.drop();
    folder.remove();
  };
  await untilListening(configPath).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { database, server, agent, site, configPath, close };
}

async function office({ pool }: TestDatabase, pbx: Pbx): Promise<{ site: number; key: string }> {
  await addEnterprise(pool, {
    id: ENTERPRISE,
    name: "Lab",
    token: "token-lab",
    timezone: "Europe/Kyiv",
    extensions: OFFICE.extensions,
    trunks: [...OFFICE.trunks],
  });
  const added = await addSite(pool, { enterpriseId: ENTERPRISE, host: "127.0.0.1", name: `Asterisk ${pbx.release}` });
  if ("refused" in added) throw new Error(`no site for the lab: ${added.refused}`);
  return added;
}

async function untilListening(configPath: string): Promise<void> {
  const until = Date.now() + LISTENING_MS_MAX;
  for (;;) {
    const status = await agentStatus(configPath).catch(() => null);
    if (status?.ami.state === "connected" && status.server.last_ack_at !== null) return;
    if (Date.now() > until) throw new Error(`the agent did not get to listen: ${JSON.stringify(status)}`);
    await sleep(100);
  }
}
