import { join } from "node:path";
import {
  agentStatus,
  runJson,
  startAgent,
  startServer,
  temporaryFolder,
  writeAgentConfig,
} from "../../support/processes.ts";
import { delay } from "./command.ts";
import { OFFICE } from "./office.ts";
import type { Pbx } from "./pbx.ts";

const LISTENING_MS_MAX = 20_000;
const POLL_MS = 200;

/** The real agent with a real server behind it. */
export interface LoadAgent {
  pid: number;
  configPath: string;
  /** Stops and removes everything. */
  close(): Promise<void>;
}

/** Starts server (on an embedded PostgreSQL of its own) and agent; returns when the agent listens. */
export async function startLoadAgent(pbx: Pbx): Promise<LoadAgent> {
  const folder = temporaryFolder();
  const server = await startServer({ dataDir: join(folder.path, "data") });
  const env = { DATABASE_URL: server.databaseUrl ?? "" };
  const office = ["--name", "Lab", "--token", "lab", "--extensions", OFFICE.extensions];
  await runJson("server/main.ts", ["enterprise", "add", "0367", ...office, "--trunks", OFFICE.trunks.join()], env);
  const site = ["site", "add", "0367", "--host", "127.0.0.1", "--name", "Lab"];
  const { key } = await runJson<{ key: string }>("server/main.ts", site, env);
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
    folder.remove();
  };
  await untilListening(configPath).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { pid: agent.pid, configPath, close };
}

async function untilListening(configPath: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < LISTENING_MS_MAX; waitedMs += POLL_MS) {
    const status = await agentStatus(configPath).catch(() => null);
    if (status?.ami.state === "connected" && status.outbox.highest_seq > 0) return;
    await delay(POLL_MS);
  }
  throw new Error("the agent did not get to listen to the lab's AMI");
}
