import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEMO_USER, startPbx, type Pbx, type PbxOptions } from "../test/support/pbx/pbx.ts";
import { run, runJson, startAgent, writeAgentConfig } from "../test/support/processes.ts";
import type { Site } from "./site.ts";

/** Another customer on a site's server, with a PBX stand-in and an agent of its own. */
export interface Customer {
  id: string;
  pbx: Pbx;
  stop(): Promise<void>;
}

export async function addCustomer({ folder, server }: Site, id: string, pbxOptions: PbxOptions): Promise<Customer> {
  const place = ["--data-dir", join(folder, "data")];
  const named = ["enterprise", "add", id, "--name", `Customer ${id}`, "--token", id];
  const added = await run("server/main.ts", [...named, "--extensions", "^1\\d\\d$", "--trunks", "trunk-a", ...place]);
  if (added.code !== 0) throw new Error(added.output);
  const site = ["site", "add", id, "--host", "127.0.0.1", "--name", "Bench", ...place];
  const { key } = await runJson<{ key: string }>("server/main.ts", site);
  const pbx = await startPbx({ writeTimeoutMs: null, ...pbxOptions });
  const own = join(folder, `agent-${id}`);
  mkdirSync(own);
  const config = writeAgentConfig(own, {
    serverUrl: server.url,
    key,
    amiPort: pbx.port,
    username: DEMO_USER.username,
    secret: DEMO_USER.secret,
    outboxPath: join(own, "outbox.sqlite"),
  });
  const agent = startAgent(config);
  await pbx.clientReady();
  const stop = async () => {
    await agent.stop();
    await pbx.stop();
  };
  return { id, pbx, stop };
}
