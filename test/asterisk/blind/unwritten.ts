import { join } from "node:path";
import Database from "better-sqlite3";
import { CDR_COLUMNS, CEL_COLUMNS, lengthOf, parseRows, type Row, textFrom } from "../lab/csv.ts";
import type { Pbx } from "../lab/pbx.ts";
import { recordFiles } from "../lab/play.ts";
import type { Records } from "./records.ts";

/** Of the hundreds of calls that are played; more is not a busy machine's bad luck. */
const UNWRITTEN_SHARE_MAX = 0.05;

/**
 * Linkedids of calls of which Asterisk's SQLite file lacks a record that its CSV has: Asterisk waits a second for that file, and on a
 * busy machine ("database is locked" in its log) the record is gone.
 * @throws when they are more than a busy machine explains.
 */
export async function unwritten(pbx: Pbx, records: Records): Promise<ReadonlySet<string>> {
  if (records !== "cel_sqlite" && records !== "cdr_sqlite") return new Set();
  const [kind, columns] = records === "cel_sqlite" ? (["cel", CEL_COLUMNS] as const) : (["cdr", CDR_COLUMNS] as const);
  const file = recordFiles(pbx)[kind];
  const written = countByCall(parseRows(await textFrom(file, 0), columns));
  const stored = countByCall(rowsOf(join(pbx.paths.logs, "master.db"), kind));
  const lacking = [...written].filter(([linkedid, count]) => (stored.get(linkedid) ?? 0) < count);
  if (lacking.length <= written.size * UNWRITTEN_SHARE_MAX) return new Set(lacking.map(([linkedid]) => linkedid));
  throw new Error(
    `Of ${lacking.length} of ${written.size} calls master.db lacks what ${file} (${await lengthOf(file)} bytes) has.`,
  );
}

function rowsOf(file: string, table: "cel" | "cdr"): Row[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare<[], Row>(`SELECT linkedid FROM ${table}`).all();
  } finally {
    db.close();
  }
}

function countByCall(rows: readonly Row[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { linkedid = "" } of rows) counts.set(linkedid, (counts.get(linkedid) ?? 0) + 1);
  return counts;
}
