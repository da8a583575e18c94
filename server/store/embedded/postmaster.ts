import { spawn, type ChildProcess } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Binaries } from "./binaries.ts";
import { giveToOwner, urlOf, type Access, type Folder } from "./cluster.ts";
import { commandFor, spawnIds, type Identity } from "./identity.ts";

/** Crash recovery of a big database takes minutes; beyond this somebody should look. */
const readyMsMax = 300_000;
const fastShutdownMsMax = 10_000;
const immediateShutdownMsMax = 8_000;
const pollMs = 40;

/** Starts postgres on `access.port` and waits until it answers. Throws with its own last words when it ends before that. */
export async function startPostmaster(
  folder: Folder,
  access: Access,
  binaries: Binaries,
  identity: Identity,
  settings: Record<string, string>,
): Promise<ChildProcess> {
  const child = launch(folder, access.port, binaries, identity, settings);
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  failed.catch(() => undefined);
  const deadline = performance.now() + readyMsMax;
  while (!(await Promise.race([answers(access), failed]))) {
    if (hasEnded(child)) throw new Error(`PostgreSQL in ${folder.cluster} ended at once: ${lastWords(folder)}`);
    if (performance.now() > deadline) {
      await stopProcess(child.pid ?? 0);
      throw new Error(
        `PostgreSQL in ${folder.cluster} does not answer after ${readyMsMax / 1000} s: ${lastWords(folder)}`,
      );
    }
    await sleep(pollMs);
  }
  return child;
}

function launch(
  folder: Folder,
  port: number,
  binaries: Binaries,
  identity: Identity,
  settings: Record<string, string>,
): ChildProcess {
  const fixed = { port: String(port), listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  const options = Object.entries(fixed).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const argv = commandFor(identity, [binaries.postgres, "-D", folder.cluster, ...options], true);
  const [command, ...args] = argv as [string, ...string[]];
  const log = openSync(folder.startLog, "w", 0o600);
  giveToOwner(folder, folder.startLog);
  try {
    // In its own session: a Ctrl-C in the terminal must reach us alone, so that the last writes still find a database.
    const stdio: ["ignore", number, number] = ["ignore", log, log];
    return spawn(command, args, { env: binaries.env, cwd: "/", detached: true, stdio, ...spawnIds(identity) });
  } finally {
    closeSync(log);
  }
}

async function answers(access: Access): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(access, "postgres"), connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function lastWords(folder: Folder): string {
  const logs = join(folder.cluster, "log");
  const files = [folder.startLog, ...(existsSync(logs) ? readdirSync(logs).map((name) => join(logs, name)) : [])];
  const lines = files.flatMap((file) => (existsSync(file) ? readFileSync(file, "utf8").split("\n") : []));
  const telling = lines.filter((line) => /FATAL|PANIC|ERROR|HINT|error while loading|denied/.test(line));
  return telling.slice(-4).join(" | ") || "it left no message";
}

/** Fast shutdown, then immediate (the next start recovers), each with a bound. Resolves false when the process is still there. */
export async function stopProcess(pid: number): Promise<boolean> {
  if (await signalAndWait(pid, "SIGINT", fastShutdownMsMax)) return true;
  return signalAndWait(pid, "SIGQUIT", immediateShutdownMsMax);
}

async function signalAndWait(pid: number, signal: NodeJS.Signals, msMax: number): Promise<boolean> {
  const deadline = performance.now() + msMax;
  try {
    process.kill(pid, signal);
  } catch {
    return true;
  }
  while (isRunning(pid)) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/**
 * Called while we hold the folder: a postgres that still runs there was left behind by a server that was killed.
 * It is shut down; a pid file whose process is something else (a reboot gave the pid away) is removed.
 */
export async function clearLeftover(folder: Folder): Promise<"none" | "stopped" | "stale"> {
  const file = join(folder.cluster, "postmaster.pid");
  if (!existsSync(file)) return "none";
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  if (!isRunning(pid)) return "none";
  if (!isPostgres(pid)) {
    rmSync(file, { force: true });
    return "stale";
  }
  if (!worksIn(pid, folder.cluster)) throw new Error(foreignPostgres(folder, pid));
  if (!(await stopProcess(pid))) throw new Error(foreignPostgres(folder, pid));
  return "stopped";
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "postgres";
  } catch {
    return false;
  }
}

function worksIn(pid: number, cluster: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  } catch {
    return false;
  }
}

function foreignPostgres(folder: Folder, pid: number): string {
  return (
    `A PostgreSQL (pid ${pid}) says it runs in ${folder.cluster} and cannot be stopped from here. ` +
    "Stop it, then start Ringpost again; do not delete postmaster.pid while it runs."
  );
}
