import { crc32 } from "node:zlib";
import Database from "better-sqlite3";

export type Db = Database.Database;

export const PAGE_BYTES = 4096;

/**
 * All tables of the outbox file. Created in one go and never reordered: salvage relies on every file having its
 * root pages in the same places.
 */
const DDL = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE streams (base INTEGER PRIMARY KEY, stream TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  captured_at INTEGER NOT NULL,
  mono INTEGER NOT NULL,
  lag INTEGER NOT NULL,
  name TEXT NOT NULL,
  linkedid TEXT,
  body TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
CREATE TABLE acked (lo INTEGER PRIMARY KEY, hi INTEGER NOT NULL) STRICT;
CREATE TABLE set_aside (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
`;

const WAL_BYTES_KEPT_MAX = 8 * 1024 * 1024;

/**
 * Opens the file as its only user, making it when it is not there. Exclusive locking keeps the WAL's index in memory:
 * on a full disk there is no room for its file.
 * @throws the SQLite error: SQLITE_BUSY when another agent has the file, SQLITE_FULL, SQLITE_CORRUPT, SQLITE_NOTADB ...
 */
export function openDatabase(path: string): Db {
  const db = new Database(path, { timeout: 0 });
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma(`journal_size_limit = ${WAL_BYTES_KEPT_MAX}`);
    db.pragma("cache_size = -1024");
    if (db.pragma("user_version", { simple: true }) === 0) db.transaction(() => db.exec(DDL)).exclusive();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Covers the seq too, so that a row which a damaged page moved elsewhere is not taken for another. */
export function checksum(seq: number, body: string): number {
  return crc32(body, seq >>> 0);
}
