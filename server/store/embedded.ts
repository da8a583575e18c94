import type { ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { codeOf, messageOf, RingpostError } from "../../shared/errors.ts";
import { findBinaries } from "./embedded/binaries.ts";
import {
  choosePort,
  DATABASE,
  folderAt,
  initCluster,
  makeFolder,
  readAccess,
  urlOf,
  writeAccess,
  type Access,
  type Folder,
} from "./embedded/cluster.ts";
import { takeFolder, whoHolds, type Hold, type Holder } from "./embedded/hold.ts";
import { chooseIdentity, type Identity } from "./embedded/identity.ts";
import { clearLeftover, hasEnded, startPostmaster, stopProcess } from "./embedded/postmaster.ts";

export interface EmbeddedOptions {
  /** Made 0700 when missing; PostgreSQL lives in its `postgres` subfolder. */
  dataDir: string;
  /** A server keeps the folder for its life; a command waits for other commands and gives way soon. */
  role?: Holder["role"];
  /** false: no fsync, for tests whose data nobody wants back. */
  durable?: boolean;
  log?: (message: string) => void;
}

export interface Embedded {
  /** Works with any client over TCP on 127.0.0.1. */
  url: string;
  /** Fast shutdown, bounded to about 20 s. Idempotent. */
  stop(): Promise<void>;
}

/** Another process has the data folder. `holder` tells who. */
export class FolderInUse extends Error {
  override name = "FolderInUse";
  readonly dataDir: string;
  readonly holder: Holder | undefined;
  constructor(dataDir: string, holder: Holder | undefined) {
    const who = holder ? `${holder.role === "server" ? "a server" : "a command"} with pid ${holder.pid}` : "a process";
    super(
      `The data folder ${dataDir} is in use by another Ringpost process: ${who}. Stop it first, or choose another folder with --data-dir.`,
    );
    this.dataDir = dataDir;
    this.holder = holder;
  }
}

const startTriesMax = 5;
const restartDelayMs = 500;
const restartDelayMsMax = 15_000;
const UNSAFE_FOR_TESTS = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

/**
 * Starts the PostgreSQL that npm installed, in `dataDir`, making the database on first use.
 * It is started again, on the same port, should it die while we live. Throws FolderInUse, or an error in plain words.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const folder = folderAt(resolve(options.dataDir));
  try {
    return await startIn(folder, options);
  } catch (error) {
    throw NO_ACCESS.includes(codeOf(error) ?? "") ? unusable(folder, error) : error;
  }
}

async function startIn(folder: Folder, options: EmbeddedOptions): Promise<Embedded> {
  const log = options.log ?? (() => undefined);
  const identity = await chooseIdentity(folder.cluster);
  makeFolder(folder, identity);
  const hold = await takeFolder(folder.root, options.role ?? "server");
  if (!hold) throw new FolderInUse(folder.root, await whoHolds(folder.root));
  try {
    const start = await prepare(folder, identity, options, log);
    const first = await firstStart(folder, start);
    await ensureDatabase(first.access);
    hold.setReady(true);
    return keepRunning(first, start, hold, log);
  } catch (error) {
    await hold.release();
    throw error;
  }
}

const NO_ACCESS = ["EACCES", "EPERM", "EROFS", "ENOSPC", "ENOTDIR"];

function unusable(folder: Folder, cause: unknown): RingpostError {
  return new RingpostError({
    code: "data_folder_unusable",
    attempted: "use the data folder",
    on: folder.root,
    found: messageOf(cause),
    retry: "no",
    next: "Start Ringpost as the user the folder belongs to, or choose another folder with --data-dir.",
    cause,
  });
}

type Start = (access: Access) => Promise<ChildProcess>;

async function prepare(
  folder: Folder,
  identity: Identity,
  options: EmbeddedOptions,
  log: (message: string) => void,
): Promise<Start> {
  const durable = options.durable ?? true;
  const binaries = findBinaries(folder.links);
  await initCluster(folder, binaries, identity, durable);
  return async (access) => {
    const leftover = await clearLeftover(folder);
    if (leftover === "stopped") log("stopped a PostgreSQL that a killed server had left behind");
    return startPostmaster(folder, access, binaries, identity, durable ? {} : UNSAFE_FOR_TESTS);
  };
}

/** Somebody may take the port between our look and PostgreSQL's bind: then another one. */
async function firstStart(folder: Folder, start: Start): Promise<{ access: Access; child: ChildProcess }> {
  const known = readAccess(folder);
  if (!known)
    throw new Error(`${folder.access} is missing: it holds the database's password. Restore it from a backup.`);
  for (let tries = 1; ; tries++) {
    const access = { ...known, port: await choosePort(tries === 1 ? known.port : 0) };
    try {
      const child = await start(access);
      writeAccess(folder, access);
      return { access, child };
    } catch (error) {
      const portTaken = error instanceof Error && /could not bind|could not create any TCP/.test(error.message);
      if (!portTaken || tries === startTriesMax) throw error;
    }
  }
}

async function ensureDatabase(access: Access): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(access, "postgres") });
  await client.connect();
  try {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

function keepRunning(
  first: { access: Access; child: ChildProcess },
  start: Start,
  hold: Hold,
  log: (message: string) => void,
): Embedded {
  let child = first.child;
  const stopping = new AbortController();
  const supervisor = (async () => {
    while (!stopping.signal.aborted) {
      await ended(child, stopping.signal);
      if (stopping.signal.aborted) return;
      log("PostgreSQL ended unexpectedly; starting it again");
      child = (await restart(first.access, start, stopping.signal, log)) ?? child;
    }
  })();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    hold.setReady(false);
    stopping.abort();
    await supervisor;
    if (!hasEnded(child) && !(await stopProcess(child.pid ?? 0))) log(`PostgreSQL (pid ${child.pid}) did not stop`);
    await hold.release();
  };
  return { url: urlOf(first.access), stop: () => (stopped ??= stop()) };
}

function ended(child: ChildProcess, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (hasEnded(child)) return resolve();
    child.once("exit", () => resolve());
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Tries until it works: without a database the server can only wait, and what broke it (a full disk) may pass. */
async function restart(
  access: Access,
  start: Start,
  signal: AbortSignal,
  log: (message: string) => void,
): Promise<ChildProcess | undefined> {
  for (let delayMs = restartDelayMs; !signal.aborted; delayMs = Math.min(delayMs * 2, restartDelayMsMax)) {
    try {
      const child = await start(access);
      log("PostgreSQL is running again");
      return child;
    } catch (error) {
      log(`PostgreSQL could not be started again, next try in ${delayMs} ms: ${String(error)}`);
    }
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
