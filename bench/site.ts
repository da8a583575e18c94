import { join } from "node:path";
import { DEMO_USER, startPbx, type Pbx, type PbxOptions } from "../test/support/pbx/pbx.ts";
import {
  run,
  runJson,
  startAgent,
  startServer,
  temporaryFolder,
  writeAgentConfig,
  type RunningAgent,
  type RunningServer,
} from "../test/support/processes.ts";

/** A central server on embedded PostgreSQL, a PBX stand-in and a real agent, for one measurement. */
export interface Site {
  folder: string;
  databaseUrl: string;
  server: RunningServer;
  agent: RunningAgent;
  pbx: Pbx;
  stop(): Promise<void>;
}

export async function startSite(pbxOptions: PbxOptions, env: Record<string, string> = {}): Promise<Site> {
  const folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const server = await startServer({ dataDir, env });
  const command = (args: readonly string[]) => [...args, "--data-dir", dataDir];
  const enterprise = ["enterprise", "add", "0367", "--name", "Bench", "--token", "bench"];
  const added = await run(
    "server/main.ts",
    command([...enterprise, "--extensions", "^1\\d\\d$", "--trunks", "trunk-a,trunk-b"]),
  );
  if (added.code !== 0) throw new Error(added.output);
  const place = ["site", "add", "0367", "--host", "127.0.0.1", "--name", "Bench"];
  const { key } = await runJson<{ key: string }>("server/main.ts", command(place));
  const pbx = await startPbx({ writeTimeoutMs: null, ...pbxOptions });
  const config = writeAgentConfig(folder.path, {
    serverUrl: server.url,
    key,
    amiPort: pbx.port,
    username: DEMO_USER.username,
    secret: DEMO_USER.secret,
    outboxPath: join(folder.path, "outbox.sqlite"),
  });
  const agent = startAgent(config);
  await pbx.clientReady();
  const stop = async () => {
    await agent.stop();
    await pbx.stop();
    await server.stop();
    folder.remove();
  };
  return { folder: folder.path, databaseUrl: server.databaseUrl ?? "", server, agent, pbx, stop };
}
