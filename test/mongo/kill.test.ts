import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { runCommand } from "./support/command.ts";
import { ENTERPRISES, oldDocuments } from "./support/documents.ts";
import { archive, writePieces } from "./support/files.ts";
import { seeded } from "./support/random.ts";
import { importHere, tempFolder } from "./support/run.ts";
import { addEnterprises, importedTables } from "./support/tables.ts";
import { openFileSource } from "../../server/mongo/source/files.ts";

const KILLS = 20;
const DOCUMENTS = 20_000;
/** Small batches, so that a run of a tenth of a second has many moments to be killed in. */
const BATCH = "60";
const killAfterMsMax = 130;
const startMsMax = 600;
const SELECTION = ["--db", "asterisk", "--collection", "calls"];

describe("an import that is killed", () => {
  let folder: string;
  let path: string;
  let whole: TestDatabase;
  let killed: TestDatabase;

  beforeAll(async () => {
    folder = await tempFolder();
    path = join(folder, "calls.archive.gz");
    await writePieces(path, archive(oldDocuments(DOCUMENTS, 31), { db: "asterisk", collection: "calls" }));
    [whole, killed] = await Promise.all([testDatabase(), testDatabase()]);
    await addEnterprises(whole.pool, ENTERPRISES);
    await addEnterprises(killed.pool, ENTERPRISES);
  });
  afterAll(async () => {
    await whole.drop();
    await killed.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    `at ${KILLS} random moments leaves the tables of one that ran in one go, and of one that ran twice`,
    { timeout: 120_000 },
    async () => {
      const source = await openFileSource({ path, collection: "calls" });
      await importHere(whole.url, source, folder, { bounds: { documentsMax: 5_000, bytesMax: 1e8 } });
      const expected = await importedTables(whole.pool);

      const env = { DATABASE_URL: killed.url };
      const random = seeded(99);
      const args = [path, ...SELECTION, "--batch", BATCH, "--rejects", join(folder, "killed.ndjson")];
      const positions = new Set<string>();
      for (let kill = 0; kill < KILLS; kill++) {
        const early = kill % 5 === 4;
        const ms = random() * (early ? startMsMax : killAfterMsMax);
        const ended = await runCommand(args, env, { from: early ? "start" : "first batch", ms });
        expect(ended).toMatchObject({ code: null });
        positions.add(await documentsSoFar(killed));
      }
      expect(positions.size).toBeGreaterThan(KILLS / 2);
      expect(positions).not.toContain(String(DOCUMENTS));
      const last = await runCommand([...args, "--json"], env);
      expect(last).toMatchObject({ code: 0 });
      const report = JSON.parse(last.out.trim().split("\n").at(-1) ?? "") as { validation: { ok: boolean } };
      expect(report.validation.ok).toBe(true);
      expect(await importedTables(killed.pool)).toEqual(expected);

      expect(await runCommand(args, env)).toMatchObject({ code: 0 });
      expect(await importedTables(killed.pool)).toEqual(expected);
    },
  );
});

async function documentsSoFar(db: TestDatabase): Promise<string> {
  const { rows } = await db.pool.query<{ n: string }>(
    "SELECT coalesce(counts->>'documents', '0') AS n FROM mongo_imports",
  );
  return rows[0]?.n ?? "none";
}
