import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Binaries } from "./binaries.ts";
import { commandFor, spawnIds, type Identity } from "./identity.ts";

/** The files of one data folder. */
export interface Folder {
  root: string;
  /** PostgreSQL's own data directory. */
  cluster: string;
  /** Port and password, 0600. */
  access: string;
  /** What PostgreSQL wrote to stderr at its last start. */
  startLog: string;
  links: string;
}

export interface Access {
  port: number;
  password: string;
}

export const USER = "ringpost";
export const DATABASE = "ringpost";

/** Modest on purpose: the server shares its machine. postgresql.conf in the data folder may be edited afterwards. */
const SETTINGS: Record<string, string> = {
  shared_buffers: "256MB",
  max_connections: "200",
  max_wal_size: "2GB",
  checkpoint_timeout: "15min",
  wal_compression: "on",
  random_page_cost: "1.1",
  // A new partition is read by the wrong index until there are statistics of it.
  autovacuum_naptime: "10s",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
  log_line_prefix: "%m [%p] ",
  logging_collector: "on",
  log_filename: "postgresql-%a.log",
  log_truncate_on_rotation: "on",
  log_rotation_age: "1d",
  log_rotation_size: "0",
};

export function folderAt(root: string): Folder {
  return {
    root,
    cluster: join(root, "postgres"),
    access: join(root, "database.json"),
    startLog: join(root, "postgres-start.log"),
    links: join(root, "lib"),
  };
}

/** Makes the data folder (0700) where it is missing. Under `identity.as === "user"` it must be reachable by that user. */
export function makeFolder(folder: Folder, identity: Identity): void {
  if (existsSync(folder.root)) return;
  mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  if (identity.as === "user") chownSync(folder.root, identity.uid, identity.gid);
}

/**
 * Runs initdb when the folder holds no cluster yet. It works in a folder beside and renames at the end,
 * so a start killed half-way is simply begun again. `durable: false` is for tests.
 */
export async function initCluster(
  folder: Folder,
  binaries: Binaries,
  identity: Identity,
  durable: boolean,
): Promise<void> {
  if (existsSync(join(folder.cluster, "PG_VERSION"))) return;
  const unfinished = `${folder.cluster}.new`;
  const passwordFile = `${folder.cluster}.pw`;
  rmSync(unfinished, { recursive: true, force: true });
  const access = { port: 0, password: randomBytes(24).toString("hex") };
  writeFileSync(passwordFile, access.password, { mode: 0o600 });
  if (identity.as === "user") chownSync(passwordFile, identity.uid, identity.gid);
  try {
    await initdb(initdbArgs(unfinished, passwordFile, durable), binaries, identity);
    writeAccess(folder, access);
    renameSync(unfinished, folder.cluster);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function initdbArgs(target: string, passwordFile: string, durable: boolean): string[] {
  const fixed = ["-D", target, "-U", USER, `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "--no-instructions"];
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  return [...fixed, ...locale, ...settings, ...(durable ? [] : ["--no-sync"])];
}

function initdb(args: string[], binaries: Binaries, identity: Identity): Promise<void> {
  const [command, ...rest] = commandFor(identity, [binaries.initdb, ...args], true) as [string, ...string[]];
  const child = spawn(command, rest, { env: binaries.env, cwd: "/", ...spawnIds(identity) });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(initFailed(identity, error.message)));
    child.on("close", (code) => (code === 0 ? resolve() : reject(initFailed(identity, output))));
  });
}

function initFailed(identity: Identity, output: string): Error {
  const who = identity.as === "user" ? ` as ${identity.name}` : "";
  const reachable =
    identity.as === "user"
      ? ` That user must be able to reach node_modules and the data folder; otherwise start Ringpost as an ordinary user, or set DATABASE_URL.`
      : "";
  return new Error(`Could not make a new PostgreSQL database${who}: ${output.trim().slice(-600)}${reachable}`);
}

/** Port and password of the folder's cluster; undefined when there is none yet. */
export function readAccess(folder: Folder): Access | undefined {
  if (!existsSync(folder.access)) return undefined;
  return JSON.parse(readFileSync(folder.access, "utf8")) as Access;
}

/** Written beside and renamed, 0600: a command that reads it meanwhile sees the old or the new one. */
export function writeAccess(folder: Folder, access: Access): void {
  const beside = `${folder.access}.new`;
  writeFileSync(beside, `${JSON.stringify(access)}\n`, { mode: 0o600 });
  giveToOwner(folder, beside);
  renameSync(beside, folder.access);
}

export function urlOf(access: Access, database = DATABASE): string {
  return `postgres://${USER}:${access.password}@127.0.0.1:${access.port}/${database}`;
}

/** What root writes into an ordinary user's data folder stays that user's to read. */
export function giveToOwner(folder: Folder, file: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder.root);
  chownSync(file, uid, gid);
}

/** The remembered port when nobody listens there, else a free one. */
export async function choosePort(remembered: number): Promise<number> {
  if (remembered > 0 && (await canListen(remembered)) > 0) return remembered;
  return canListen(0);
}

function canListen(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(-1));
    probe.listen(port, "127.0.0.1", () => {
      const found = (probe.address() as AddressInfo).port;
      probe.close(() => resolve(found));
    });
  });
}
