import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { runCommand } from "./support/command.ts";
import { ENTERPRISES, oldDocuments } from "./support/documents.ts";
import { bson, writePieces } from "./support/files.ts";
import { MongoServer } from "./support/mongo-server.ts";
import { tempFolder } from "./support/run.ts";
import { addEnterprises } from "./support/tables.ts";

const NAMED = ["--db", "asterisk", "--collection", "calls"];

describe("the command", () => {
  let folder: string;
  let db: TestDatabase;
  let rejects: string[];

  beforeEach(async () => {
    folder = await tempFolder();
    rejects = ["--rejects", join(folder, "rejects.ndjson")];
    db = await testDatabase();
    await addEnterprises(db.pool, ENTERPRISES);
  });
  afterEach(async () => {
    await db.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it("imports from the address in the environment and tells its progress as JSON lines", async () => {
    const server = new MongoServer([...oldDocuments(300, 4)]);
    await server.start();
    const env = { DATABASE_URL: db.url, RINGPOST_MONGO_URI: server.uri };
    const report = join(folder, "report.json");
    const ended = await runCommand([...NAMED, ...rejects, "--batch", "50", "--report", report], env);
    await server.stop();
    expect(ended.err.split("\n")[0]).toMatch(/^\{"type":"progress","phase":"import","documents":50,"part":0\.1/);
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.out)).toMatchObject({
      type: "report",
      counts: { documents: 300 },
      validation: { ok: true },
    });
    expect(await readFile(report, "utf8")).toBe(ended.out);
    expect((await stat(join(folder, "rejects.ndjson"))).mode & 0o777).toBe(0o600);
  });

  it("never prints the password of the address, whatever goes wrong", async () => {
    const server = new MongoServer([]);
    await server.start();
    const secret = server.uri.replace("mongodb://", "mongodb://importer:s3cr%65t@");
    const refused = await runCommand([...NAMED, ...rejects], { DATABASE_URL: db.url, RINGPOST_MONGO_URI: secret });
    await server.stop();
    const broken = { DATABASE_URL: db.url, RINGPOST_MONGO_URI: "mongodb://importer:s3cr%65t@:bad:/?x=y" };
    const misread = await runCommand([...NAMED, ...rejects], broken);
    const { rows } = await db.pool.query<{ text: string }>(
      "SELECT coalesce(string_agg(i::text, ''), '') AS text FROM mongo_imports i",
    );
    for (const { code, out, err } of [refused, misread]) {
      expect(code).toBe(1);
      expect(err).toMatch(/error: cannot/);
      expect(out + err + rows[0]?.text).not.toMatch(/s3cr/);
    }
  });

  it("ends with 1 when the database no longer holds what the source has, and says what", async () => {
    const path = join(folder, "calls.bson");
    await writePieces(path, bson(oldDocuments(200, 4)));
    const env = { DATABASE_URL: db.url };
    expect((await runCommand([path, ...rejects], env)).code).toBe(0);
    await db.pool.query("DELETE FROM calls WHERE id = (SELECT min(id) FROM calls)");
    const ended = await runCommand([path, "--validate", ...rejects], env);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("does not add up");
    expect(JSON.parse(ended.out)).toMatchObject({ validation: { ok: false, missing: [expect.any(String)] } });
  });

  it("rehearses without writing anything", async () => {
    const path = join(folder, "calls.bson");
    await writePieces(path, bson(oldDocuments(200, 4)));
    const ended = await runCommand([path, "--dry-run", ...rejects], { DATABASE_URL: db.url });
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.out)).toMatchObject({ mode: "dry-run", counts: { documents: 200 } });
    const { rows } = await db.pool.query(
      "SELECT (SELECT count(*)::int FROM calls) + (SELECT count(*)::int FROM mongo_imports) AS n",
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it("refuses a command line that names nothing, two modes, or no collection", async () => {
    const env = { DATABASE_URL: db.url, RINGPOST_MONGO_URI: "" };
    expect(await runCommand([], env)).toMatchObject({ code: 1, err: expect.stringMatching(/Name a path/) as string });
    expect(await runCommand(["--uri", "mongodb://127.0.0.1:1/"], env)).toMatchObject({ code: 1 });
    expect(await runCommand(["x", "--dry-run", "--validate"], env)).toMatchObject({ code: 78 });
  });
});
