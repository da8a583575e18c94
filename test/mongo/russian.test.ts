import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ProgressShower } from "../../server/cli/import-progress.ts";
import { reportText } from "../../server/cli/import-report.ts";
import { messagesFor } from "../../server/cli/messages.ts";
import { noCounts } from "../../server/mongo/counts.ts";
import { REJECT_REASONS } from "../../server/mongo/map/types.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { runCommand } from "./support/command.ts";
import { ENTERPRISES, oldDocuments } from "./support/documents.ts";
import { bson, writePieces } from "./support/files.ts";
import { importHere, tempFolder } from "./support/run.ts";
import { addEnterprises } from "./support/tables.ts";

const russian = messagesFor("ru", {});
const RU = ["--lang", "ru"];

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

it("tells every option of the command and every refusal in Russian with --lang ru", async () => {
  const help = await runCommand(["--help", ...RU], {});
  const options = help.out.split(/^(?=  -)/m).slice(1);
  expect(options.length).toBeGreaterThan(18);
  for (const option of options) expect(option).toMatch(/[а-я]{2}/);
  const env = { DATABASE_URL: db.url, RINGPOST_MONGO_URI: "" };
  expect((await runCommand(RU, env)).err).toBe("ошибка: Укажите путь или --uri (RINGPOST_MONGO_URI).\n");
  const modes = await runCommand(["x", "--dry-run", "--validate", ...RU], env);
  expect(modes.err).toContain("--dry-run и --validate");
  expect(modes.err).toContain("что-то одно");
});

it("reports an import and its validation in Russian, without an English word but for names", async () => {
  const path = join(folder, "calls.bson");
  await writePieces(path, bson(oldDocuments(300, 4)));
  const outcome = await importHere(db.url, path, folder);
  const { validation } = outcome;
  const text = reportText(outcome, russian);
  expect(text).toContain("Всё сошлось.");
  const names = [...(validation?.totals ?? []), ...(validation?.wrongs ?? []), ...(validation?.queries ?? [])];
  expect(names.length).toBeGreaterThan(15);
  const decided = [...Object.keys(outcome.counts.rules), ...REJECT_REASONS];
  for (const { name } of names) expect(russian.importing.counted(name)).toMatch(/[а-я]/);
  for (const word of decided) expect(russian.importing.decision(word)).toMatch(/^[a-z_]+ \(.*[а-я].*\)$/);
  expect(text).not.toMatch(/\b(documents|calls|expected|found|missing|source|database|enterprise|month)\b(?!\.)/);
});

it("says in Russian what differs when the validation does not add up", async () => {
  const path = join(folder, "calls.bson");
  await writePieces(path, bson(oldDocuments(100, 4)));
  await importHere(db.url, path, folder);
  await db.pool.query("DELETE FROM calls WHERE id = (SELECT min(id) FROM calls)");
  await db.pool.query("UPDATE calls SET duration = duration + 1 WHERE id = (SELECT max(id) FROM calls)");
  const text = reportText(await importHere(db.url, path, folder, { mode: "validate" }), russian);
  expect(text).toMatch(/^секунд +\d+ +\d+ +<- расходится$/m);
  expect(text).toMatch(/ duration: ожидалось \d+, найдено \d+$/m);
  expect(text).toMatch(/^не найдено: \S/m);
  expect(text).toMatch(/НЕ СОШЛОСЬ\.$/);
});

it("draws its progress on a Russian terminal in Russian", () => {
  let [drawn, now] = ["", 0];
  const shower = new ProgressShower(russian, { terminal: true, write: (text) => (drawn += text), clock: () => now });
  shower.begin("validate");
  for (const part of [0.25, 0.5]) {
    now += 10_000;
    shower.show({ documents: part * 40_000, part, counts: noCounts() });
  }
  expect(drawn.split("\r\u001b[K").at(-1)).toMatch(
    /^сверка {2}\[#{12}\.{12}\] 50\.0 % {2}документов: 20\s000 {2}1\s?000\/с {2}осталось 40 s$/,
  );
});
