import pc from "picocolors";
import { existsSync } from "node:fs";
import { labPaths } from "../paths.ts";
import { down, purge, type Pbx, up } from "../pbx.ts";
import type { Release } from "../releases.ts";
import { offLoopback, socketsOf } from "../sockets.ts";
import { readState } from "../state.ts";
import type { CommonOptions } from "./options.ts";

/** Progress goes to stderr, so that --json stays clean. */
export function say(line: string): void {
  process.stderr.write(`${pc.dim(line)}\n`);
}

export async function upAll(releases: readonly Release[], timestamps = false): Promise<Pbx[]> {
  return Promise.all(releases.map((release) => up(release, { timestamps, say })));
}

export async function upCommand({ releases, json }: CommonOptions, timestamps: boolean): Promise<void> {
  const from = Date.now();
  const running = await upAll(releases, timestamps);
  if (json) return console.log(JSON.stringify(running.map(({ release, state }) => ({ asterisk: release, ...state }))));
  for (const { release, state } of running) {
    console.log(
      `${pc.green("up")}  ${release}  ${state.version}  AMI 127.0.0.1:${state.ports.ami}  SIP 127.0.0.1:${state.ports.sip}`,
    );
    console.log(`    AMI user ringpost (the agent's rights) or recorder (all), secret in ${labPaths(release).state}`);
  }
  console.log(`ready in ${((Date.now() - from) / 1_000).toFixed(1)} s`);
}

export async function downCommand({ releases, json }: CommonOptions, remove: boolean): Promise<void> {
  const stopped: Record<string, boolean> = {};
  for (const release of releases) {
    stopped[release] = await down(release);
    if (remove) await purge(release);
    if (!json)
      console.log(`${release}: ${stopped[release] ? "stopped" : "was not running"}${remove ? ", removed" : ""}`);
  }
  if (json) console.log(JSON.stringify(stopped));
}

export async function statusCommand({ releases, json }: CommonOptions): Promise<void> {
  const all = await Promise.all(releases.map(statusOf));
  if (json) return console.log(JSON.stringify(all));
  for (const { asterisk, built, running, sockets } of all) {
    const state =
      running === null ? (built ? "built, not running" : "not built") : `${running.version}, pid ${running.pid}`;
    console.log(`${asterisk}: ${state}`);
    for (const { protocol, address, port } of sockets) console.log(`    ${protocol} ${address}:${port}`);
    if (offLoopback(sockets).length > 0) console.log(pc.red("    not all of it is loopback"));
  }
}

async function statusOf(release: Release) {
  const paths = labPaths(release);
  const running = await readState(paths);
  const sockets = running === null ? [] : await socketsOf(running.pid);
  return { asterisk: release, built: existsSync(paths.built), running, sockets };
}
