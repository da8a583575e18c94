import type { Document } from "bson";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLiveSource, type LiveOptions } from "../../server/mongo/source/live.ts";
import type { Source } from "../../server/mongo/source/source.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { ENTERPRISES, oldDocuments } from "./support/documents.ts";
import { bson, writePieces } from "./support/files.ts";
import { MongoServer, type Fault } from "./support/mongo-server.ts";
import { seeded } from "./support/random.ts";
import { importHere, tempFolder } from "./support/run.ts";
import { addEnterprises, importedTables } from "./support/tables.ts";

const DOCUMENTS = 400;
const BOUNDS = { documentsMax: 50, bytesMax: 1e7 };
const QUICK: LiveOptions = {
  triesMax: 6,
  retryDelayMsMin: 1,
  retryDelayMsMax: 10,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** As the driver sends them in their order: `undefined` is left out. */
function clean(documents: Iterable<Document>): Document[] {
  return [...documents].map((one) =>
    Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)),
  );
}

describe("a running MongoDB, read through the official driver", () => {
  let server: MongoServer;
  let db: TestDatabase;
  let folder: string;
  const all = clean(oldDocuments(DOCUMENTS, 21));

  beforeEach(async () => {
    server = new MongoServer(all);
    await server.start();
    folder = await tempFolder();
    db = await testDatabase();
    await addEnterprises(db.pool, ENTERPRISES);
  });
  afterEach(async () => {
    await server.stop();
    await db.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (options: Partial<LiveOptions> = {}): Promise<Source> =>
    openLiveSource({ uri: server.uri, db: "asterisk", collection: "calls" }, { ...QUICK, ...options });

  /** What the same documents give from a file, where nothing can go wrong. */
  async function reference(): Promise<unknown[]> {
    const other = await testDatabase();
    await addEnterprises(other.pool, ENTERPRISES);
    // The server gives them in the order of _id: strings before ObjectIds.
    const ordered = all.toSorted((a, b) => Number(typeof a["_id"] !== "string") - Number(typeof b["_id"] !== "string"));
    await writePieces(join(folder, "reference.bson"), bson(ordered));
    await importHere(other.url, join(folder, "reference.bson"), folder);
    const tables = await importedTables(other.pool);
    await other.drop();
    return tables;
  }

  it("brings everything over, in batches by _id, from the secondary", async () => {
    const outcome = await importHere(db.url, await open(), folder, { bounds: BOUNDS });
    expect(outcome.validation).toMatchObject({ ok: true, documents: { read: DOCUMENTS } });
    expect(await importedTables(db.pool)).toEqual(await reference());
    const reads = server.seen.filter(({ command }) => command === "find" || command === "getMore");
    expect(reads.length).toBeGreaterThan(DOCUMENTS / BOUNDS.documentsMax);
    expect(new Set(reads.map(({ port }) => port))).toEqual(new Set([server.ports[1]]));
    expect(reads.every(({ body }) => Number(body["batchSize"] ?? 0) <= BOUNDS.documentsMax)).toBe(true);
  });

  const faults: [string, Fault][] = [
    ["a lost cursor", { loseCursors: true }],
    ["NotWritablePrimary", { error: 10107, name: "NotWritablePrimary" }],
    ["InterruptedDueToReplStateChange", { error: 11602, name: "InterruptedDueToReplStateChange" }],
    ["a shutdown", { error: 91, name: "ShutdownInProgress" }],
    ["a cut connection", { cut: true }],
    ["a reply that breaks off in the middle", { cutMidReply: true }],
    ["a slow batch", { delayMs: 150 }],
  ];
  it.each(faults)("loses and doubles nothing over %s, again and again", async (_what, fault) => {
    const expected = await reference();
    server.fault = (_command, nth) => (nth % 6 === 0 ? fault : undefined);
    const outcome = await importHere(db.url, await open(), folder, { bounds: BOUNDS });
    expect(outcome.validation?.ok).toBe(true);
    expect(await importedTables(db.pool)).toEqual(expected);
  });

  it("loses and doubles nothing when all of it comes at once, at random", async () => {
    const expected = await reference();
    const random = seeded(5);
    server.fault = () => (random() < 0.25 ? faults[Math.floor(random() * faults.length)]?.[1] : undefined);
    await importHere(db.url, await open({ triesMax: 30 }), folder, { bounds: BOUNDS });
    server.fault = () => undefined;
    expect(await importedTables(db.pool)).toEqual(expected);
  });

  it("goes on after the last document when more have been written meanwhile", async () => {
    await importHere(db.url, await open(), folder, { bounds: BOUNDS });
    const more = clean(oldDocuments(DOCUMENTS + 40, 21)).slice(DOCUMENTS);
    server.add(...more);
    server.seen.length = 0;
    const outcome = await importHere(db.url, await open(), folder, {
      mode: "import",
      validation: { sample: 0, random: () => 0, clock: () => 0 },
    });
    const later = more.filter(({ _id }) => typeof _id !== "string").length;
    expect(outcome.counts.documents).toBe(DOCUMENTS + later);
  });

  it("gives up on a server that never recovers, with what to do next and without the password", async () => {
    server.fault = () => ({ error: 11602, name: "InterruptedDueToReplStateChange" });
    const uri = server.uri.replace("mongodb://", "mongodb://importer:s3cret@");
    const failed = await openLiveSource({ uri, db: "asterisk", collection: "calls" }, QUICK).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failed?.message).toMatch(/Run the same command again|Check user, password/);
    expect(failed?.message).not.toContain("s3cret");
  });

  it("stops where the server went away for good, and goes on there when it is back", async () => {
    const expected = await reference();
    const ports = server.ports as [number, number];
    server.fault = (_command, nth) => (nth > 14 ? { cut: true } : undefined);
    const failing = importHere(db.url, await open({ triesMax: 2 }), folder, { bounds: BOUNDS });
    await expect(failing).rejects.toThrow(/Run the same command again/);
    const { rows } = await db.pool.query<{ n: number }>("SELECT (counts->>'documents')::int AS n FROM mongo_imports");
    expect(rows[0]?.n).toBeGreaterThan(0);
    expect(rows[0]?.n).toBeLessThan(DOCUMENTS);
    await server.stop();
    server = new MongoServer(all);
    await server.start(ports);
    const outcome = await importHere(db.url, await open(), folder, { bounds: BOUNDS });
    expect(outcome.counts.documents).toBe(DOCUMENTS);
    expect(await importedTables(db.pool)).toEqual(expected);
  });
});
