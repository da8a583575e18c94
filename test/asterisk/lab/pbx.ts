import { spawn } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { RingpostError } from "../../../shared/errors.ts";
import { build } from "./build.ts";
import { delay, lastLine, run } from "./command.ts";
import { type AmiUser, newSecret, writeConfiguration } from "./config.ts";
import { addressOf, PHONES, TRUNKS } from "./office.ts";
import { type LabPaths, labPaths } from "./paths.ts";
import { freeTcpPort, freeUdpPort } from "./ports.ts";
import { ensurePrerequisites } from "./prerequisites.ts";
import { registerPhones } from "./register.ts";
import type { Release } from "./releases.ts";
import { closeOffLoopback } from "./sockets.ts";
import { bornAt, forgetState, isAlive, type LabState, readState, writeState } from "./state.ts";

const BOOT_MS_MAX = 40_000;
const STOP_MS_MAX = 8_000;
const POLL_MS = 100;

/** A running PBX of the lab. */
export interface Pbx {
  release: Release;
  paths: LabPaths;
  state: LabState;
}

export interface UpOptions {
  /** Asterisk's timestampevents. */
  timestamps: boolean;
  users?: readonly AmiUser[];
  /** Stop a running one first, so that the settings are these. */
  fresh?: boolean;
  say: (line: string) => void;
}

/**
 * From nothing, or from what is there, to a running PBX with registered phones.
 * @throws RingpostError when the machine cannot carry it, the build fails or Asterisk does not come up.
 */
export async function up(release: Release, options: UpOptions): Promise<Pbx> {
  const paths = labPaths(release);
  if (options.fresh === true) await down(release);
  const running = await readState(paths);
  if (running !== null && running.timestamps === options.timestamps) return { release, paths, state: running };
  if (running !== null) await down(release);
  await ensurePrerequisites(options.say);
  await build(release, paths, options.say);
  const pbx = await start(release, paths, options);
  await registerPhones(pbx);
  return pbx;
}

/** Stops the PBX and forgets it. Nothing is mounted outside its own namespace, so nothing is left. */
export async function down(release: Release): Promise<boolean> {
  const paths = labPaths(release);
  const state = await readState(paths);
  if (state !== null) await stopProcess(state);
  await forgetState(paths);
  await rm(paths.plays, { recursive: true, force: true });
  return state !== null;
}

/**
 * Kills the PBX (kill -9) and starts it again as it was, its records kept: `pbx` is the new process when this resolves. The
 * phones need not register again: Asterisk keeps that.
 * @throws RingpostError when it does not come up again.
 */
export async function crash(pbx: Pbx): Promise<void> {
  const { state } = pbx;
  if (isAlive(state)) process.kill(state.pid, "SIGKILL");
  while (isAlive(state)) await delay(POLL_MS / 10);
  await boot(pbx);
}

/** Removes the root folder too. */
export async function purge(release: Release): Promise<void> {
  await down(release);
  await rm(labPaths(release).home, { recursive: true, force: true });
}

/** Runs one Asterisk console command and returns what it printed. */
export async function cli(pbx: Pbx, command: string): Promise<string> {
  return (await run("chroot", [pbx.paths.root, "asterisk", "-rx", command], { timeoutMsMax: 10_000 })).stdout;
}

async function start(release: Release, paths: LabPaths, options: UpOptions): Promise<Pbx> {
  const addresses = [...TRUNKS, ...PHONES.keys()].map((who) => addressOf(release, who));
  const ports = {
    sip: await freeUdpPort(["127.0.0.1"]),
    ami: await freeTcpPort(),
    phone: await freeUdpPort(addresses),
  };
  const secret = newSecret();
  const { timestamps, users = [] } = options;
  await writeConfiguration(release, paths, { ports, secret, timestamps, users });
  await emptyRecords(paths);
  const pbx: Pbx = { release, paths, state: { pid: 0, born: "", ports, secret, timestamps, version: "" } };
  await boot(pbx);
  pbx.state.version = (await cli(pbx, "core show version")).split(" built")[0]?.trim() ?? "";
  await writeState(paths, pbx.state);
  return pbx;
}

/** A new process with the configuration that is there. */
async function boot(pbx: Pbx): Promise<void> {
  const { paths, state } = pbx;
  state.pid = launch(paths);
  state.born = bornAt(state.pid) ?? "";
  await writeState(paths, state);
  await untilBooted(pbx);
  await closeOffLoopback(state.pid);
}

/** Yesterday's records would make today's reading slow; a lab starts with none. */
async function emptyRecords(paths: LabPaths): Promise<void> {
  await rm(paths.logs, { recursive: true, force: true });
  for (const folder of ["cdr-custom", "cel-custom/usual"]) await mkdir(join(paths.logs, folder), { recursive: true });
  await mkdir(join(paths.root, "var/run/asterisk"), { recursive: true });
}

/** unshare, sh and chroot replace themselves, so the pid is Asterisk's own. */
function launch(paths: LabPaths): number {
  const script =
    'ulimit -n 65536 2>/dev/null; mount -t proc proc "$1/proc" && exec chroot "$1" asterisk -f -C /etc/asterisk/asterisk.conf';
  const log = openSync(paths.asteriskLog, "w");
  const child = spawn("unshare", ["-m", "--propagation", "private", "sh", "-c", script, "sh", paths.root], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
  });
  closeSync(log);
  child.unref();
  return child.pid ?? 0;
}

async function untilBooted(pbx: Pbx): Promise<void> {
  for (let waitedMs = 0; waitedMs < BOOT_MS_MAX && isAlive(pbx.state); waitedMs += POLL_MS) {
    const booted = await run("chroot", [pbx.paths.root, "asterisk", "-rx", "core waitfullybooted"], {
      timeoutMsMax: BOOT_MS_MAX,
    });
    if (/fully booted/i.test(booted.stdout)) return;
    await delay(POLL_MS);
  }
  const said = lastLine(await readFile(pbx.paths.asteriskLog, "utf8").catch(() => "")) ?? "nothing said";
  throw new RingpostError({
    code: "lab_boot",
    attempted: `start Asterisk ${pbx.release}`,
    on: pbx.paths.root,
    found: isAlive(pbx.state) ? "it did not finish booting" : `it ended at once (${said})`,
    retry: "no",
    next: `read ${pbx.paths.asteriskLog} and ${join(pbx.paths.logs, "messages")}`,
  });
}

async function stopProcess(state: LabState): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    process.kill(state.pid, signal);
    for (let waitedMs = 0; waitedMs < STOP_MS_MAX; waitedMs += POLL_MS) {
      if (!isAlive(state)) return;
      await delay(POLL_MS);
    }
  }
}
