import Database from "better-sqlite3";
import { decode } from "./csv.ts";

/** A row of a table as text, column by column as they were asked for. */
export interface TableRow {
  rowid: number;
  values: string[];
}

/**
 * One table of a database that Asterisk writes. Every call opens the file read-only, reads a bounded number of rows and
 * closes it again: no lock outlives it, and a file that was replaced is seen. Nothing waits for Asterisk's own lock.
 * @throws the SQLite error: SQLITE_BUSY while Asterisk writes, SQLITE_CANTOPEN, SQLITE_READONLY_ROLLBACK ...
 */
export class SqliteTable {
  readonly path: string;
  readonly table: string;

  constructor(path: string, table: string) {
    this.path = path;
    this.table = table;
  }

  /** Names of its columns, lower case, in order; none when there is no such table. */
  columns(): string[] {
    return this.#using((db) =>
      db
        .prepare<[string], { name: string }>("SELECT name FROM pragma_table_info(?)")
        .all(this.table)
        .map(({ name }) => name.toLowerCase()),
    );
  }

  /** Lowest and highest rowid; null for an empty table. */
  bounds(): [number, number] | null {
    return this.#using((db) => {
      // Two statements: one with both would read the whole table.
      const lowest = db
        .prepare<[], { id: number | null }>(`SELECT min(rowid) AS id FROM ${quoted(this.table)}`)
        .get()?.id;
      const highest = db
        .prepare<[], { id: number | null }>(`SELECT max(rowid) AS id FROM ${quoted(this.table)}`)
        .get()?.id;
      return typeof lowest === "number" && typeof highest === "number" ? [lowest, highest] : null;
    });
  }

  /** Rows from a rowid on, in order. Values as bytes, so that whatever encoding they have is kept. */
  rows(columns: readonly string[], from: number, count: number): TableRow[] {
    const list = columns.map((name) => `CAST(${quoted(name)} AS BLOB)`).join(", ");
    const sql = `SELECT rowid, ${list} FROM ${quoted(this.table)} WHERE rowid >= ? ORDER BY rowid LIMIT ?`;
    return this.#using((db) =>
      db
        .prepare<[number, number], unknown[]>(sql)
        .raw()
        .all(from, count)
        .map(([rowid, ...values]) => ({ rowid: Number(rowid), values: values.map(textOf) })),
    );
  }

  #using<T>(work: (db: Database.Database) => T): T {
    const db = new Database(this.path, { readonly: true, fileMustExist: true, timeout: 0 });
    try {
      return work(db);
    } finally {
      db.close();
    }
  }
}

function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? decode(value.toString("latin1")) : "";
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
