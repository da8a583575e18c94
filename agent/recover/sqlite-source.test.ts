import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findSources, type Found } from "./find.ts";
import { newFacts, type SentRow, type Source, type Span } from "./source.ts";
import type { TableIdentity } from "./sqlite-source.ts";
import { zoneNamed } from "./zone.ts";

const REPO = join(import.meta.dirname, "../..");
const ALL: Span = { from: 0, to: Number.MAX_SAFE_INTEGER };

let root: string;
let db: Database.Database;
let known: Map<string, TableIdentity>;

/** A PBX's file system with the lab's own configuration and an empty master.db as Asterisk makes it. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ringpost-recover-"));
  for (const folder of ["etc/asterisk", "var/log/asterisk/cel-custom", "var/log/asterisk/cdr-csv"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of [
    "cel.conf",
    "cdr.conf",
    "cel_sqlite3_custom.conf",
    "cdr_sqlite3_custom.conf",
    "cel_custom.conf",
    "cdr_custom.conf",
  ])
    writeFileSync(join(root, "etc/asterisk", name), readFileSync(join(REPO, "test/asterisk/lab/etc", name)));
  db = new Database(join(root, "var/log/asterisk/master.db"));
  db.exec(
    "CREATE TABLE cdr (AcctId INTEGER PRIMARY KEY, calldate,clid,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,amaflags,src,dst,uniqueid,linkedid,sequence,peeraccount,userfield)",
  );
  db.exec(
    "CREATE TABLE cel (AcctId INTEGER PRIMARY KEY, eventtype,eventtime,cidname,cidnum,cidani,cidrdnis,ciddnid,context,exten,channame,appname,appdata,uniqueid,linkedid,peer,extra)",
  );
  known = new Map();
});
afterEach(() => {
  db.close();
  rmSync(root, { recursive: true, force: true });
});

function find(): Found {
  return findSources({
    root,
    asteriskConf: "/etc/asterisk/asterisk.conf",
    site: "7",
    zone: zoneNamed("Europe/Kyiv"),
    identities: known,
    nowMs: () => Date.UTC(2026, 10, 24),
  });
}

const T = 1_795_477_384;
const insert = (n: number, more: { at?: number; name?: string | Buffer; rowid?: number } = {}) =>
  db
    .prepare(
      "INSERT INTO cel (AcctId, eventtype, eventtime, cidname, channame, uniqueid, linkedid, extra) VALUES (?, 'CHAN_START', ?, ?, 'PJSIP/150-1', ?, ?, '{}')",
    )
    .run(more.rowid ?? null, `${more.at ?? T + n}.000001`, more.name ?? `caller ${n}`, `${T}.${n}`, `${T}.${n}`);
const fill = (count: number, from = 1) =>
  db.transaction(() => Array.from({ length: count }, (_, n) => insert(from + n)))();

async function read(source: Source = find().cel[0]!, span = ALL) {
  const rows: (SentRow & { stream: string })[] = [];
  const facts = newFacts();
  let [reads, most] = [0, 0];
  for await (const portion of source.portions(span, () => 0, facts)) {
    reads++;
    most = Math.max(most, portion?.rows.length ?? 0);
    rows.push(...(portion?.rows ?? []).map((row) => ({ ...row, stream: portion!.stream })));
  }
  return { rows, facts, reads, most };
}

describe("master.db", () => {
  it("is found with its columns by Asterisk's own configuration, and its rows are events under their rowids", async () => {
    fill(3);
    const { rows } = await read();
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(rows[0]).toMatchObject({
      at: (T + 1) * 1000,
      ev: {
        Event: "CEL",
        EventName: "CHAN_START",
        Timestamp: `${T + 1}.000001`,
        CallerIDname: "caller 1",
        Channel: "PJSIP/150-1",
        UniqueID: `${T}.1`,
        LinkedID: `${T}.1`,
        Extra: "{}",
      },
    });
  });

  it("is read in portions that Asterisk does not notice, and only as far as the time goes", async () => {
    fill(2_000);
    const all = await read();
    expect(all.rows).toHaveLength(2_000);
    expect(all.most).toBeLessThanOrEqual(300);
    const some = await read(find().cel[0], { from: (T + 1_500) * 1000, to: (T + 1_504.5) * 1000 });
    expect(some.rows.map(({ seq }) => seq)).toEqual([1_500, 1_501, 1_502, 1_503, 1_504]);
  });

  it("can be written by Asterisk between any two portions, and a row written meanwhile comes too", async () => {
    fill(700);
    const source = find().cel[0]!;
    let seen = 0;
    for await (const portion of source.portions(ALL, () => 0, newFacts())) {
      seen += portion?.rows.length ?? 0;
      if (seen === 300) insert(701);
    }
    expect(seen).toBe(701);
  });

  it("keeps text that is not UTF-8", async () => {
    insert(1, { name: Buffer.from("caf\xe9", "latin1") });
    insert(2, { name: "Іван" });
    expect((await read()).rows.map(({ ev }) => ev["CallerIDname"])).toEqual(["café", "Іван"]);
  });

  it("stays the same stream when old rows are pruned, and when the agent has forgotten all of an unpruned table", async () => {
    fill(10);
    const before = (await read()).rows;
    db.exec("DELETE FROM cel WHERE AcctId <= 5");
    const pruned = await read();
    expect(pruned.rows.map(({ seq, stream }) => `${stream} ${seq}`)).toEqual(
      before.slice(5).map(({ seq, stream }) => `${stream} ${seq}`),
    );
    expect(pruned.facts.goneBefore).toBe((T + 6) * 1000);
    known.clear();
    db.exec("DELETE FROM cel");
    fill(10);
    expect((await read()).rows[0]!.stream).toBe(before[0]!.stream);
  });

  it("is another stream when its rowids began anew: no row is taken for one that was there before", async () => {
    fill(10);
    const before = (await read()).rows[0]!.stream;
    db.exec("DELETE FROM cel");
    fill(12, 100);
    const after = (await read()).rows[0]!.stream;
    expect(after).not.toBe(before);
    fill(3, 200);
    expect((await read()).rows.at(-1)).toMatchObject({ seq: 15, stream: after });
  });

  it("tells CDRs with the end that a table without one implies, in the PBX's zone", async () => {
    db.prepare(
      "INSERT INTO cdr (calldate, channel, duration, uniqueid, src) VALUES ('2026-10-25 03:59:50', 'PJSIP/t-1', '20', ?, '100')",
    ).run(`${Date.UTC(2026, 9, 25, 1, 59, 49) / 1000}.5`);
    const { rows } = await read(find().cdr[0]);
    const start = Date.UTC(2026, 9, 25, 1, 59, 50);
    expect(rows[0]).toMatchObject({
      seq: 1,
      at: start + 20_000,
      ev: {
        Event: "Cdr",
        StartTime: `${start / 1000}.000000`,
        Timestamp: `${start / 1000 + 20}.000000`,
        Source: "100",
      },
    });
    expect(rows[0]!.ev["EndTime"]).toBeUndefined();
  });

  it("that is locked says so at once instead of waiting", () => {
    fill(1);
    db.exec("BEGIN EXCLUSIVE");
    const startedAt = performance.now();
    expect(find()).toMatchObject({
      cel: [],
      problems: [],
      locked: [expect.stringMatching(/master\.db$/), expect.anything()],
    });
    expect(performance.now() - startedAt).toBeLessThan(500);
    db.exec("ROLLBACK");
    expect(find()).toMatchObject({ problems: [], locked: [] });
  });
});

describe("what Asterisk writes its calls into", () => {
  it("is told best first, CEL before CDR, and nothing that is switched off", () => {
    fill(1);
    writeFileSync(join(root, "var/log/asterisk/cel-custom/Master.csv"), "x\n");
    writeFileSync(join(root, "var/log/asterisk/cdr-csv/Master.csv"), "x\n");
    const found = find();
    expect(found.cel.map(({ kind }) => kind)).toEqual(["cel_sqlite", "cel_csv"]);
    expect(found.cdr.map(({ kind }) => kind)).toEqual(["cdr_sqlite", "cdr_csv"]);
    expect(found.celEnough).toBe(true);
    writeFileSync(join(root, "etc/asterisk/cel.conf"), "[general]\nenable = no\n");
    expect(find().cel).toEqual([]);
    writeFileSync(join(root, "etc/asterisk/cel.conf"), "[general]\nenable = yes\nevents = APP_START,ANSWER\n");
    expect(find().celEnough).toBe(false);
  });

  it("is found without any configuration, and where another asterisk.conf says", () => {
    rmSync(join(root, "etc/asterisk"), { recursive: true });
    expect(find().cel.map(({ kind }) => kind)).toEqual(["cel_sqlite"]);
    expect(find().cdr.map(({ kind }) => kind)).toEqual(["cdr_sqlite"]);
    mkdirSync(join(root, "etc/asterisk"));
    const moved = (section: string) =>
      writeFileSync(join(root, "etc/asterisk/asterisk.conf"), `${section}\nastlogdir => /elsewhere ; moved\n`);
    // As in Asterisk's own sample: a template, which is not in force until the mark is taken away.
    moved("[directories](!)");
    expect(find().cel).toHaveLength(1);
    moved("[directories]");
    expect(find()).toMatchObject({ cel: [], cdr: [] });
  });
});
