import { MARKERS } from "../../shared/ami-event.ts";
import type { SeqRange } from "../../shared/wire.ts";
import type { CapturedRow } from "../capture.ts";
import { checksum, openDatabase, PAGE_BYTES, type Db } from "./schema.ts";

export interface StoredRow extends CapturedRow {
  seq: number;
}

/** Seqs above `base`, up to the next segment's, belong to `stream` and are `seq - base` on the wire. */
export interface Segment {
  base: number;
  stream: string;
}

/** An event the server refused for good. `at` in epoch ms. */
export interface SetAside {
  seq: number;
  stream: string;
  at: number;
  reason: string;
}

export interface DbRow {
  seq: number;
  captured_at: number;
  mono: number;
  lag: number;
  body: string;
  crc: number;
}

const ROW_COLUMNS = "seq, captured_at, mono, lag, body, crc";

/** The SQL of one open outbox file. No policy: every method does what it says or throws SQLite's error. */
export class Store {
  readonly #db: Db;
  readonly #sql: ReturnType<typeof prepare>;
  /** The acked ranges as the file has them. */
  #ackedInFile = new Map<number, number>();

  constructor(path: string) {
    this.#db = openDatabase(path);
    try {
      this.#sql = prepare(this.#db);
      for (const { lo, hi } of this.#sql.acked.all()) this.#ackedInFile.set(lo, hi);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** One durable transaction. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  insert(row: StoredRow): void {
    const { seq, at, mono, lag, name, linkedid, body } = row;
    this.#sql.insert.run(seq, at, mono, lag, name, linkedid, body, checksum(seq, body));
  }

  /** Rows of `from..to` in order, one at a time, so that the caller can stop at its bound. */
  rows(from: number, to: number): IterableIterator<DbRow> {
    return this.#sql.rows.iterate(from, to);
  }

  row(seq: number): DbRow | undefined {
    return this.#sql.rows.get(seq, seq);
  }

  capturedAt(seq: number): number | undefined {
    return this.#sql.capturedAt.get(seq)?.captured_at;
  }

  /** Between which moments rows `from..to`, which are not there, must have been captured; `unknown` where no row tells. */
  spanOf(from: number, to: number, unknown: { fromMs: number; toMs: number }): { fromMs: number; toMs: number } {
    const fromMs = this.#sql.capturedBefore.get(from + 1)?.captured_at ?? unknown.fromMs;
    const toMs = this.#sql.capturedAfter.get(to - 1)?.captured_at ?? unknown.toMs;
    // A clock that was set back lets a later row look earlier.
    return { fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) };
  }

  /** Lowest and highest seq present; null when there is none. */
  bounds(): SeqRange | null {
    const lo = this.#sql.min.get()?.seq;
    const hi = this.#sql.max.get()?.seq;
    return lo === undefined || hi === undefined ? null : [lo, hi];
  }

  /** The highest seq ever given, also when its row is gone. */
  highestEver(): number {
    return this.#sql.sequence.get()?.seq ?? 0;
  }

  /** Gap markers among the rows: what they tell must outlive them. */
  gapBodies(from: number, to: number): { seq: number; body: string }[] {
    return this.#sql.gapBodies.all(from, to, MARKERS.gap);
  }

  delete(from: number, to: number): void {
    this.#sql.delete.run(from, to);
  }

  get acked(): SeqRange[] {
    return [...this.#ackedInFile].toSorted((a, b) => a[0] - b[0]);
  }

  /** Makes the file's acked ranges equal to `ranges`, writing only what differs. */
  writeAcked(ranges: readonly SeqRange[]): void {
    const wanted = new Map(ranges);
    for (const lo of this.#ackedInFile.keys()) if (!wanted.has(lo)) this.#sql.unack.run(lo);
    for (const [lo, hi] of wanted) if (this.#ackedInFile.get(lo) !== hi) this.#sql.ack.run(lo, hi);
  }

  /** To be called when the transaction of writeAcked is durable. */
  ackedWritten(ranges: readonly SeqRange[]): void {
    this.#ackedInFile = new Map(ranges);
  }

  get segments(): Segment[] {
    return this.#sql.segments.all();
  }

  /** Also as text in `meta`: whichever page breaks, the streams' names survive. */
  addSegment({ base, stream }: Segment, nowMs: number): void {
    this.#sql.addSegment.run(base, stream, nowMs);
    this.remember("streams", JSON.stringify(this.segments));
  }

  remember(key: string, value: string): void {
    this.#sql.remember.run(key, value);
  }

  recall(key: string): string | undefined {
    return this.#sql.recall.get(key)?.value;
  }

  setAside(seq: number, stream: string, nowMs: number, reason: string, body: string): void {
    this.#sql.setAside.run(seq, stream, nowMs, reason, body);
  }

  /** The newest of them. */
  setAsides(count: number): SetAside[] {
    return this.#sql.setAsides.all(count);
  }

  setAsideCount(): number {
    return this.#sql.setAsideCount.get()?.n ?? 0;
  }

  /** Bytes of pages in use: what the hard bound is about. A file keeps its freed pages for later rows. */
  usedBytes(): number {
    const pages = Number(this.#db.pragma("page_count", { simple: true }));
    return (pages - Number(this.#db.pragma("freelist_count", { simple: true }))) * PAGE_BYTES;
  }

  /** For salvage, which reads past damage. */
  get db(): Db {
    return this.#db;
  }

  /** Writes all of it to another file, which must not be there; also when this one was removed. */
  copyTo(path: string): void {
    this.#db.prepare("VACUUM INTO ?").run(path);
  }

  checkpoint(): void {
    this.#db.pragma("wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    this.#db.close();
  }
}

function prepare(db: Db) {
  return {
    insert: db.prepare<[number, number, number, number, string, string | null, string, number]>(
      "INSERT INTO events (seq, captured_at, mono, lag, name, linkedid, body, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    rows: db.prepare<[number, number], DbRow>(
      `SELECT ${ROW_COLUMNS} FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`,
    ),
    capturedAt: db.prepare<[number], { captured_at: number }>("SELECT captured_at FROM events WHERE seq = ?"),
    capturedBefore: db.prepare<[number], { captured_at: number }>(
      "SELECT captured_at FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1",
    ),
    capturedAfter: db.prepare<[number], { captured_at: number }>(
      "SELECT captured_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1",
    ),
    min: db.prepare<[], { seq: number }>("SELECT seq FROM events ORDER BY seq LIMIT 1"),
    max: db.prepare<[], { seq: number }>("SELECT seq FROM events ORDER BY seq DESC LIMIT 1"),
    sequence: db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'events'"),
    gapBodies: db.prepare<[number, number, string], { seq: number; body: string }>(
      "SELECT seq, body FROM events WHERE seq BETWEEN ? AND ? AND name = ?",
    ),
    delete: db.prepare<[number, number]>("DELETE FROM events WHERE seq BETWEEN ? AND ?"),
    acked: db.prepare<[], { lo: number; hi: number }>("SELECT lo, hi FROM acked ORDER BY lo"),
    ack: db.prepare<[number, number]>(
      "INSERT INTO acked (lo, hi) VALUES (?, ?) ON CONFLICT (lo) DO UPDATE SET hi = excluded.hi",
    ),
    unack: db.prepare<[number]>("DELETE FROM acked WHERE lo = ?"),
    segments: db.prepare<[], Segment>("SELECT base, stream FROM streams ORDER BY base"),
    addSegment: db.prepare<[number, string, number]>(
      "INSERT OR REPLACE INTO streams (base, stream, created_at) VALUES (?, ?, ?)",
    ),
    remember: db.prepare<[string, string]>(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ),
    recall: db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?"),
    setAside: db.prepare<[number, string, number, string, string]>(
      "INSERT OR REPLACE INTO set_aside (seq, stream, at, reason, body) VALUES (?, ?, ?, ?, ?)",
    ),
    setAsides: db.prepare<[number], SetAside>(
      "SELECT seq, stream, at, reason FROM set_aside ORDER BY seq DESC LIMIT ?",
    ),
    setAsideCount: db.prepare<[], { n: number }>("SELECT count(*) AS n FROM set_aside"),
  };
}
