import Database from "better-sqlite3";
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Records } from "../faults/oracle/player.ts";

const LAB_ETC = join(import.meta.dirname, "../asterisk/lab/etc");
const COLUMNS =
  "eventtype,eventtime,cidname,cidnum,cidani,cidrdnis,ciddnid,exten,context,channame,appname,appdata,uniqueid,linkedid,peer,extra";

/** How a PBX keeps its channel event log. */
export type RecordsKind = "csv" | "sqlite";

export interface OpenRecords extends Records {
  close(): void;
}

/** The channel event log of a PBX whose root folder is `root`: Asterisk's settings, and the file they name. */
export function openRecords(kind: RecordsKind, root: string): OpenRecords {
  const [etc, log] = [join(root, "etc/asterisk"), join(root, "var/log/asterisk")];
  for (const folder of [etc, join(log, "cel-custom")]) mkdirSync(folder, { recursive: true });
  for (const name of ["asterisk.conf", "cel.conf"]) copyFileSync(join(LAB_ETC, name), join(etc, name));
  return kind === "csv" ? csvRecords(etc, log) : sqliteRecords(etc, log);
}

function csvRecords(etc: string, log: string): OpenRecords {
  copyFileSync(join(LAB_ETC, "cel_custom.conf"), join(etc, "cel_custom.conf"));
  const file = join(log, "cel-custom/Master.csv");
  writeFileSync(file, "");
  return {
    write: (name, at, rest) => appendFileSync(file, `"${name}","${(at / 1000).toFixed(6)}",${rest}\n`),
    close: () => {},
  };
}

function sqliteRecords(etc: string, log: string): OpenRecords {
  copyFileSync(join(LAB_ETC, "cel_sqlite3_custom.conf"), join(etc, "cel_sqlite3_custom.conf"));
  const db = new Database(join(log, "master.db"));
  // As the module does it: a rollback journal, and no wait for the disk.
  db.pragma("synchronous = OFF");
  db.exec(`CREATE TABLE cel (AcctId INTEGER PRIMARY KEY, ${COLUMNS})`);
  const insert = db.prepare(`INSERT INTO cel (${COLUMNS}) VALUES (${COLUMNS.replaceAll(/\w+/g, "?")})`);
  return {
    write: (name, at, rest) => void insert.run(name, (at / 1000).toFixed(6), ...fieldsOf(rest)),
    close: () => db.close(),
  };
}

/** Quoted fields with quotes doubled, as the recordings have them. */
function fieldsOf(row: string): string[] {
  return [...row.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map(([, text = ""]) => text.replaceAll('""', '"'));
}
