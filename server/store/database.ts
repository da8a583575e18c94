import { setTimeout as sleep } from "node:timers/promises";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { RingpostError } from "../../shared/errors.ts";
import { folderAt, readAccess, urlOf } from "./embedded/cluster.ts";
import { whoHolds } from "./embedded/hold.ts";
import { FolderInUse, startEmbedded } from "./embedded.ts";
import { hasSchema, migrate } from "./migrate.ts";

export interface Database {
  url: string;
  /** True when the PostgreSQL is the one in the data folder, whoever started it. */
  embedded: boolean;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** undefined: the embedded PostgreSQL in `dataDir`. */
  databaseUrl: string | undefined;
  dataDir: string;
  log?: (message: string) => void;
}

/** How long to wait for a command, or a starting server, that has the folder at this moment. */
const turnMsMax = 60_000;
const turnPollMs = 100;

/** The server's database, with this version's schema. Waits while a command has the folder; another server's folder is refused. */
export async function openServerDatabase(options: DatabaseOptions): Promise<Database> {
  const database = options.databaseUrl ? external(options.databaseUrl) : await takeTurns(() => own(options, "server"));
  return migrated(database);
}

export interface CommandUse {
  /** The command makes sense only beside a running server. */
  live?: boolean;
  /** Leaves the schema as it is; else a command finds tables, even where no server ever started. */
  untouched?: boolean;
}

/** A command's way to the database: DATABASE_URL, else the running server's, else one started for this command alone. */
export async function openCommandDatabase(options: DatabaseOptions, use: CommandUse): Promise<Database> {
  const { databaseUrl, dataDir } = options;
  const prepared = use.untouched ? (database: Database) => Promise.resolve(database) : withSchema;
  if (databaseUrl) return prepared(external(databaseUrl));
  const root = resolve(dataDir);
  return takeTurns(async () => {
    const holder = existsSync(root) ? await whoHolds(root) : undefined;
    if (holder?.role === "server" && holder.ready) return prepared(ofServer(dataDir));
    if (holder) throw new FolderInUse(root, holder);
    if (use.live) throw notRunning(dataDir);
    const database = await own(options, "command");
    return use.untouched ? database : migrated(database);
  });
}

/** A database that has no schema at all gets it; an older one is left to the server's start and to `migrate`. */
async function withSchema(database: Database): Promise<Database> {
  return (await hasSchema(database.url)) ? database : migrated(database);
}

async function migrated(database: Database): Promise<Database> {
  try {
    await migrate(database.url);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function external(url: string): Database {
  return { url, embedded: false, close: () => Promise.resolve() };
}

async function own(options: DatabaseOptions, role: "server" | "command"): Promise<Database> {
  const { dataDir, log } = options;
  const { url, stop } = await startEmbedded({ dataDir, role, ...(log ? { log } : {}) });
  return { url, embedded: true, close: stop };
}

function ofServer(dataDir: string): Database {
  const access = readAccess(folderAt(resolve(dataDir)));
  if (!access) throw notRunning(dataDir);
  return { url: urlOf(access), embedded: true, close: () => Promise.resolve() };
}

/** Tries again while whoever has the folder will leave it, or be ready, soon. */
async function takeTurns(attempt: () => Promise<Database>): Promise<Database> {
  const deadline = performance.now() + turnMsMax;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const passing = error instanceof FolderInUse && !(error.holder?.role === "server" && error.holder.ready);
      if (!passing || performance.now() > deadline) throw error;
    }
    await sleep(turnPollMs);
  }
}

function notRunning(dataDir: string): RingpostError {
  return new RingpostError({
    code: "server_not_running",
    attempted: "reach the running server",
    on: dataDir,
    found: "no server runs on this data folder",
    retry: "later",
    next: "Start it with `npm start`, or name its folder with --data-dir.",
  });
}
