import Database from "better-sqlite3";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findSources } from "./find.ts";
import type { Job } from "./journal.ts";
import { Reading } from "./reading.ts";
import type { Portion } from "./source.ts";
import { UTC } from "./zone.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ringpost-reading-"));
  for (const folder of ["etc/asterisk", "var/log/asterisk/cel-custom"])
    mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const NOW = 1_795_500_100_000;
const SECONDS = NOW / 1000;
const job = (): Job => ({ from: NOW - 30_000, to: NOW - 10_000, positions: {}, sent: {}, spans: {} });

async function read(of: Job): Promise<{ portions: Portion[]; result: string; reason: string | null }> {
  const portions: Portion[] = [];
  const identities = new Map();
  const settings = {
    root,
    asteriskConf: "/etc/asterisk/asterisk.conf",
    site: "1",
    zone: UTC,
    identities,
    nowMs: () => NOW,
  };
  const reading = new Reading(of, {
    nowMs: () => NOW,
    stopping: new AbortController().signal,
    find: () => findSources(settings),
    send: (portion) => {
      portions.push(portion);
      return Promise.resolve(0);
    },
    progressed: () => {},
    pauses: { betweenMs: 1, passingMs: 1, againMs: 5, lockedMs: 2 },
  });
  const { result, reason } = await reading.run({ from: of.from - 10_000, to: of.to + 3_000 }, of);
  return { portions, result, reason };
}

/** A row of the channel event log as Asterisk's sample has it. */
const csvRow = (at: number, name: string) =>
  `"${name}","${at}.5","","","","","","","","PJSIP/1-0","","","3","","${at}.1","${at}.1","","","",""\n`;

it("a database that Asterisk has locked for most of a second is read as soon as it is not", async () => {
  const db = new Database(join(root, "var/log/asterisk/master.db"));
  db.exec("CREATE TABLE cel (eventtype, eventtime, channame, uniqueid, linkedid)");
  db.prepare("INSERT INTO cel VALUES ('CHAN_START', ?, 'PJSIP/1-0', '1.1', '1.1')").run(`${SECONDS - 20}.25`);
  db.exec("BEGIN EXCLUSIVE");
  setTimeout(() => db.exec("COMMIT"), 700);
  const { portions, result } = await read(job());
  expect({ rows: portions.flatMap(({ rows }) => rows).length, result }).toEqual({ rows: 1, result: "complete" });
  db.close();
});

it("a log that is configured and not there yet has no rows; one that no configuration names may be anywhere", async () => {
  expect(await read(job())).toMatchObject({ result: "failed" });
  const custom = join(root, "etc/asterisk/cel_custom.conf");
  writeFileSync(custom, "[mappings]\nMaster.csv => ${eventtype},${eventtime},${CHANNEL(uniqueid)},${CHANNEL}\n");
  expect(await read(job())).toEqual({ portions: [], result: "complete", reason: null });
  writeFileSync(
    custom,
    "[mappings]\nelsewhere/Master.csv => ${eventtype},${eventtime},${CHANNEL(uniqueid)},${CHANNEL}\n",
  );
  expect(await read(job())).toMatchObject({ result: "failed" });
  const table = "[master]\ntable = cel\ncolumns = eventtype, eventtime, uniqueid, channame\n";
  writeFileSync(custom, "");
  writeFileSync(join(root, "etc/asterisk/cel_sqlite3_custom.conf"), table);
  expect(await read(job())).toEqual({ portions: [], result: "complete", reason: null });
});

it("rows that rotation removed are missed only where nobody listened, not in the time read along before it", async () => {
  const log = join(root, "var/log/asterisk/cel-custom/Master.csv");
  writeFileSync(`${log}.1`, csvRow(SECONDS - 35, "CHAN_START"));
  writeFileSync(log, csvRow(SECONDS - 12, "HANGUP"));
  expect(await read(job())).toMatchObject({ result: "complete", reason: null });
  const earlier = { ...job(), from: NOW - 38_000 };
  expect(await read(earlier)).toMatchObject({
    result: "partial",
    reason: expect.stringContaining("are not there any more"),
  });
});

it("what was acked is remembered by stream: parts that touch are one", async () => {
  const rows = Array.from({ length: 700 }, (_, index) => csvRow(SECONDS - 28 + (index % 10), "CHAN_START"));
  const log = join(root, "var/log/asterisk/cel-custom/Master.csv");
  writeFileSync(log, rows.join(""));
  const of = job();
  const { portions } = await read(of);
  expect(portions.length).toBeGreaterThan(2);
  expect(Object.values(of.spans)).toEqual([[[1, rows.join("").length]]]);
});
