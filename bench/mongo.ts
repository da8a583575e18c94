import { serialize } from "bson";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { DEFAULT_MAPPING } from "../server/mongo/map/mapping-file.ts";
import { runSession, type SessionOptions } from "../server/mongo/session.ts";
import { openFileSource } from "../server/mongo/source/files.ts";
import { startEmbedded } from "../server/store/embedded.ts";
import { migrate } from "../server/store/migrate.ts";
import { oldDocuments } from "../test/mongo/support/documents.ts";
import { figure, type Bench, type Figure } from "./figure.ts";

const DOCUMENTS = 200_000;
const SEED = 5;
const MEGABYTE = 1024 * 1024;
const TABLES = ["calls", "call_participants", "call_events"] as const;

/** History from MongoDB: a `.bson` of calls in all shapes imported, against a bare COPY of the rows it makes. */
export const mongoBench: Bench = {
  name: "mongo",
  what: "history from MongoDB: import against a bare COPY of the same rows, memory",
  run: (say) => benchMongo(DOCUMENTS, say),
};

export async function benchMongo(documents: number, say: (line: string) => void): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "ringpost-bench-mongo-"));
  const database = await startEmbedded({ dataDir: join(folder, "data") });
  try {
    const path = join(folder, "calls.bson");
    say(`writing ${documents} documents`);
    await pipeline(Readable.from(bytesOf(documents)), createWriteStream(path));
    const [imported, bare] = [await freshDatabase(database.url, "imported"), await freshDatabase(database.url, "bare")];
    say(`importing ${Math.round((await stat(path)).size / MEGABYTE)} MB`);
    const run = await timedImport(imported, path, folder, documents);
    say("the same rows by bare COPY");
    const rows = await unload(imported, folder);
    const copySeconds = await timedCopy(bare, folder);
    return figuresOf(documents, rows, run, copySeconds);
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Run {
  importSeconds: number;
  validateSeconds: number;
  /** Highest resident memory in each fifth of the import, MB. */
  memory: number[];
}

function figuresOf(documents: number, rows: number, run: Run, copySeconds: number): Figure[] {
  const copied = { what: "bare COPY of the same rows", value: Math.round(rows / copySeconds) };
  const early = Math.round(run.memory[1] ?? 0);
  return [
    figure("rows imported", "rows/s", rows / run.importSeconds, copied, "at least 0.333"),
    figure("documents imported", "documents/s", documents / run.importSeconds),
    figure("documents validated", "documents/s", documents / run.validateSeconds),
    figure("memory at the end", "MB", run.memory.at(-1) ?? 0, { what: "after a fifth", value: early }, "about 1: flat"),
  ];
}

function* bytesOf(documents: number): Generator<Buffer> {
  for (const document of oldDocuments(documents, SEED)) {
    yield Buffer.from(serialize(document, { ignoreUndefined: true }));
  }
}

async function freshDatabase(url: string, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const made = new URL(url);
  made.pathname = `/${name}`;
  await migrate(made.href);
  return made.href;
}

async function timedImport(databaseUrl: string, path: string, folder: string, documents: number): Promise<Run> {
  const memory: number[] = [];
  let [phase, importEnd] = ["", 0];
  const begun = performance.now();
  const source = await openFileSource({ path });
  const outcome = await runSession(settings(databaseUrl, source, folder), {
    stop: new AbortController().signal,
    onPhase: (next) => {
      if (next === "validate") importEnd = performance.now();
      phase = next;
    },
    onProgress: (progress) => {
      if (phase !== "import") return;
      const fifth = Math.min(4, Math.floor((progress.documents / documents) * 5));
      memory[fifth] = Math.max(memory[fifth] ?? 0, process.memoryUsage.rss() / MEGABYTE);
    },
  });
  await source.close();
  if (outcome.validation?.ok !== true) throw new Error("the import does not add up");
  const end = performance.now();
  return { importSeconds: (importEnd - begun) / 1000, validateSeconds: (end - importEnd) / 1000, memory };
}

function settings(databaseUrl: string, source: SessionOptions["source"], folder: string): SessionOptions {
  return {
    databaseUrl,
    source,
    mode: "import",
    mapping: DEFAULT_MAPPING,
    enterpriseMap: { "token-0367": "0367", "token-0368": "0368", "token-0369": "0369" },
    make: { timezone: "Europe/Minsk" },
    bounds: { documentsMax: 5_000, bytesMax: 32 * MEGABYTE },
    resume: true,
    rejectsFile: join(folder, "rejects.ndjson"),
    retryFile: undefined,
    validation: { sample: 200, random: Math.random, clock: () => performance.now() },
    sleep: (ms) => sleep(ms),
  };
}

/** The imported rows as COPY text, a file a table. Returns how many. */
async function unload(databaseUrl: string, folder: string): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    let rows = 0;
    for (const table of TABLES) {
      const stream = client.query(copyTo(`COPY (SELECT * FROM ${table}) TO STDOUT`));
      await pipeline(stream, createWriteStream(join(folder, `${table}.copy`)));
      rows += stream.rowCount;
    }
    return rows;
  });
}

async function timedCopy(databaseUrl: string, folder: string): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    const begun = performance.now();
    for (const table of TABLES) {
      await pipeline(
        createReadStream(join(folder, `${table}.copy`)),
        client.query(copyFrom(`COPY ${table} FROM STDIN`)),
      );
    }
    return (performance.now() - begun) / 1000;
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, documents: { type: "string" } } });
  const figures = await benchMongo(Number(values.documents ?? DOCUMENTS), (line) => console.error(line));
  for (const one of figures) console.log(JSON.stringify(one));
}
