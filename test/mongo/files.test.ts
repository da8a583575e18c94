import { serialize } from "bson";
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openFileSource } from "../../server/mongo/source/files.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { ENTERPRISES, oldDocuments } from "./support/documents.ts";
import { archive, bson, extendedJson, writePieces, type JsonShape } from "./support/files.ts";
import { importHere, tempFolder } from "./support/run.ts";
import { addEnterprises, importedTables } from "./support/tables.ts";

const DOCUMENTS = 2_000;
const NAMESPACE = { db: "asterisk", collection: "calls" };
const documents = (): Iterable<Record<string, unknown>> => oldDocuments(DOCUMENTS, 11);

describe("the same collection in every form it can be had in", () => {
  let folder: string;
  let reference: unknown[];
  let db: TestDatabase;

  beforeAll(async () => {
    folder = await tempFolder();
    await writePieces(join(folder, "calls.bson"), bson(documents()));
    const first = await testDatabase();
    await addEnterprises(first.pool, ENTERPRISES);
    await importHere(first.url, join(folder, "calls.bson"), folder);
    reference = await importedTables(first.pool);
    await first.drop();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    db = await testDatabase();
    await addEnterprises(db.pool, ENTERPRISES);
  });
  afterEach(() => db.drop());

  it("accounts for every document", async () => {
    const outcome = await importHere(db.url, join(folder, "calls.bson"), folder);
    expect(outcome.validation).toMatchObject({ ok: true, documents: { read: DOCUMENTS, missing: 0, differing: 0 } });
    expect(outcome.validation?.documents.migrated).toBeGreaterThan(DOCUMENTS * 0.9);
    expect(outcome.validation?.sample).toMatchObject({ calls: 200, differences: [] });
  });

  const shapes: JsonShape[] = ["v1", "v2", "v2 canonical", "array", "pretty"];
  it.each(shapes)("gives the same tables from Extended JSON, %s", async (shape) => {
    const path = join(folder, `${shape}.json`);
    await writePieces(path, extendedJson(documents(), shape));
    const outcome = await importHere(db.url, path, folder);
    expect(outcome.validation?.ok).toBe(true);
    expect(await importedTables(db.pool)).toEqual(reference);
  });

  it("gives the same tables from a packed .bson in a dump folder", async () => {
    const dump = join(folder, "dump", "asterisk");
    await mkdir(dump, { recursive: true });
    await writePieces(join(dump, "calls.bson.gz"), bson(documents()));
    await writePieces(join(dump, "users.bson.gz"), bson([{ _id: 1 }]));
    await expect(openFileSource({ path: join(folder, "dump") })).rejects.toThrow(/--db and --collection/);
    const source = await openFileSource({ path: join(folder, "dump"), collection: "calls" });
    await importHere(db.url, source, folder);
    expect(await importedTables(db.pool)).toEqual(reference);
  });

  it.each(["calls.archive", "calls.archive.gz"])("gives the same tables from %s", async (name) => {
    await writePieces(join(folder, name), archive(documents(), NAMESPACE));
    const source = await openFileSource({ path: join(folder, name), collection: "calls" });
    await importHere(db.url, source, folder, { bounds: { documentsMax: 333, bytesMax: 1e6 } });
    expect(await importedTables(db.pool)).toEqual(reference);
  });

  it.each([1, 17, 100_000])("gives the same tables in batches of %i", async (documentsMax) => {
    const path = join(folder, "some.bson");
    await writePieces(path, bson(oldDocuments(400, 12)));
    const bounds = { documentsMax, bytesMax: 1e9 };
    await importHere(db.url, path, folder, { bounds });
    const other = await testDatabase();
    await addEnterprises(other.pool, ENTERPRISES);
    await importHere(other.url, path, folder);
    expect(await importedTables(db.pool)).toEqual(await importedTables(other.pool));
    await other.drop();
  });

  it("changes nothing when it is run a second time, from the beginning too", async () => {
    await importHere(db.url, join(folder, "calls.bson"), folder);
    const again = await importHere(db.url, join(folder, "calls.bson"), folder);
    expect(again.counts.documents).toBe(DOCUMENTS);
    await importHere(db.url, join(folder, "calls.bson"), folder, { resume: false });
    expect(await importedTables(db.pool)).toEqual(reference);
  });
});

describe("files that are damaged", () => {
  let folder: string;
  let db: TestDatabase;

  beforeEach(async () => {
    folder = await tempFolder();
    db = await testDatabase();
    await addEnterprises(db.pool, ENTERPRISES);
  });
  afterEach(async () => {
    await db.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it("keeps what stands before the place where a file was cut off, and says where that is", async () => {
    const path = join(folder, "calls.bson");
    await writePieces(path, bson(oldDocuments(100, 3)));
    const size = (await readFile(path)).length;
    await truncate(path, size - 10);
    await expect(importHere(db.url, path, folder, { bounds: { documentsMax: 9, bytesMax: 1e6 } })).rejects.toThrow(
      /ends inside the document that begins at byte \d+/,
    );
    const { rows } = await db.pool.query("SELECT counts->>'documents' AS n FROM mongo_imports");
    expect(rows).toEqual([{ n: "99" }]);
  });

  it("notices a packed file that was cut off", async () => {
    const path = join(folder, "calls.bson.gz");
    await writePieces(path, bson(oldDocuments(2_000, 3)));
    await truncate(path, 20_000);
    await expect(importHere(db.url, path, folder)).rejects.toThrow(/unexpected end of file|ends inside/);
  });

  it("notices a changed byte in an archive by its sum", async () => {
    const path = join(folder, "calls.archive");
    await writePieces(path, archive(oldDocuments(200, 3), NAMESPACE));
    const bytes = await readFile(path);
    const at = bytes.indexOf("token-0367");
    bytes[at + 9] = 0x39;
    await writeFile(path, bytes);
    const source = await openFileSource({ path, collection: "calls" });
    await expect(importHere(db.url, source, folder)).rejects.toThrow(/the sum of the collection's documents/);
  });

  it("sets a line that is no JSON aside, with its text, and goes on", async () => {
    const path = join(folder, "calls.json");
    const good = '{"_id":1,"UniqueId":"1749034247.1","Token":"token-0367","CallType":"incoming"}';
    await writeFile(
      path,
      `${good}\n{"_id":2,"UniqueId":\n${good.replaceAll("1749034247.1", "1749034247.2").replace("1,", "3,")}\n42\n`,
    );
    const outcome = await importHere(db.url, path, folder);
    expect(outcome.rejects).toEqual({ unreadable: 2 });
    expect(outcome.validation?.ok).toBe(true);
    const lines = (await readFile(join(folder, "rejects.ndjson"), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { raw: string }).raw)).toEqual(['{"_id":2,"UniqueId":', "42"]);
    const { rows } = await db.pool.query("SELECT unique_id FROM calls ORDER BY 1");
    expect(rows.map((row: { unique_id: string }) => row.unique_id)).toEqual(["1749034247.1", "1749034247.2"]);
  });

  it("sets a document aside whose bytes are no BSON though its length is right", async () => {
    const path = join(folder, "calls.bson");
    const broken = Buffer.from(serialize({ _id: 1, UniqueId: "1.1" }));
    broken[4] = 0x77;
    await writePieces(path, [broken, ...bson([{ _id: 2, UniqueId: "1749034247.2", Token: "token-0367" }])]);
    const outcome = await importHere(db.url, path, folder);
    expect(outcome.counts).toMatchObject({ documents: 2, migrated: 1, rejected: 1 });
  });
});
