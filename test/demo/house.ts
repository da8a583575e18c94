import { join } from "node:path";
import { startLink, type Link } from "../support/link.ts";
import { DEMO_USER, startPbx, type Pbx } from "../support/pbx/pbx.ts";
import {
  run,
  runJson,
  startAgent,
  startServer,
  temporaryFolder,
  writeAgentConfig,
  type Running,
  type RunningAgent,
  type RunningServer,
} from "../support/processes.ts";
import { inPart } from "./failure.ts";
import type { Screen } from "./screen.ts";
import type { Words } from "./words.ts";

/** Short, so that an outage of seconds shows what one of hours does. */
export const LIVE_WINDOW_SECONDS = 3;

/** Everything that runs for the demo, and how to ask it things. */
export interface House {
  dataDir: string;
  server: RunningServer;
  pbx: Pbx;
  link: Link;
  agent: RunningAgent;
  /** A command of the server on the demo's database. */
  command(args: readonly string[]): string[];
  /** Rejects when server or agent end although nobody stopped them. */
  mishap: Promise<never>;
}

/** What is to be cleaned up beside the processes, the last first; `building` may still be adding to it. */
export interface Cleanup {
  steps: (() => Promise<unknown> | void)[];
  building: Promise<unknown>;
}

/** Starts everything; gives up between two steps when `signal` comes. */
export async function buildHouse(
  screen: Screen,
  words: Words,
  { cleanup, signal }: { cleanup: Cleanup; signal: AbortSignal },
): Promise<House> {
  const folder = temporaryFolder();
  cleanup.steps.push(() => folder.remove());
  const dataDir = join(folder.path, "data");
  const command = (args: readonly string[]) => [...args, "--data-dir", dataDir];

  const server = await inPart(words.partServer, () => openServer(dataDir, screen, words));
  signal.throwIfAborted();
  const key = await inPart(words.partSite, () => addSite(command));
  screen.line(words.site);
  signal.throwIfAborted();
  const pbx = await inPart(words.partPbx, () => startPbx({ users: [DEMO_USER], writeTimeoutMs: null }));
  cleanup.steps.push(() => pbx.stop());
  const link = await inPart(words.partPbx, () => startLink({ port: server.port }));
  cleanup.steps.push(
    () => pbx.stop(),
    () => link.stop(),
  );
  screen.line(words.pbx(pbx.port));
  screen.line(words.rights);

  const agent = await inPart(words.partAgent, async () => {
    const config = writeAgentConfig(folder.path, {
      serverUrl: link.url,
      key,
      amiPort: pbx.port,
      username: DEMO_USER.username,
      secret: DEMO_USER.secret,
      outboxPath: join(folder.path, "outbox.sqlite"),
      liveWindowSeconds: LIVE_WINDOW_SECONDS,
    });
    const agent = startAgent(config);
    await Promise.race([pbx.clientReady({ timeoutMs: 20_000 }), untimely(agent, "agent", words)]);
    return agent;
  });
  screen.line(words.agent(link.port));
  screen.line(words.window(LIVE_WINDOW_SECONDS));
  const mishap = Promise.race([untimely(server, "server", words), untimely(agent, "agent", words)]);
  mishap.catch(() => {});
  return { dataDir, server, pbx, link, agent, command, mishap };
}

async function openServer(dataDir: string, screen: Screen, words: Words): Promise<RunningServer> {
  const beganAt = performance.now();
  const server = await startServer({ dataDir });
  screen.line(words.server(server.url, performance.now() - beganAt));
  return server;
}

/** The enterprise and the site as an operator makes them. */
async function addSite(command: House["command"]): Promise<string> {
  const enterprise = ["enterprise", "add", "0367", "--name", "Demo", "--token", "demo-token"];
  const shape = ["--timezone", "Europe/Moscow", "--extensions", "^1\\d\\d$", "--trunks", "trunk-a,trunk-b"];
  const added = await run("server/main.ts", command([...enterprise, ...shape]));
  if (added.code !== 0) throw new Error(added.output);
  const site = ["site", "add", "0367", "--host", "10.88.10.11", "--name", "Office"];
  return (await runJson<{ key: string }>("server/main.ts", command(site))).key;
}

async function untimely(process: Running, name: string, words: Words): Promise<never> {
  const { code, signal } = await process.exited;
  const last = process.output.trim().split("\n").slice(-5).join("\n  ");
  throw new Error(`${words.died(name, String(signal ?? code))}\n  ${last}`);
}
