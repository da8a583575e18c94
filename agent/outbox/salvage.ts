import { randomUUID } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import type { Gap } from "../markers.ts";
import { REMEMBERED } from "./protocol.ts";
import { Ranges } from "./ranges.ts";
import { checksum, openDatabase, PAGE_BYTES, type Db } from "./schema.ts";
import type { Segment, Store } from "./store.ts";

/** Damaged files kept for whoever wants to look; older ones make room. */
const DAMAGED_FILES_KEPT_MAX = 2;
const ROWS_PER_TRANSACTION = 1_000;
/** A broken page holds some tens of rows; leaps no longer than that miss little behind it. */
const LEAP_ROWS_MAX = 64;
const LEAPS_MAX = 100_000;

/** What the agent still knows when the file breaks while it runs. */
export interface Known {
  segments: readonly Segment[];
  highest: number;
  done: Ranges;
  /** Seqs of rows that are still in memory: they are written to the new file from there. */
  held: Ranges;
}

export interface Saved {
  segments: Segment[];
  highest: number;
  done: Ranges;
  gaps: Gap[];
  savedRows: number;
}

/** Renames the file and its WAL out of the way. Returns where it is now. */
export function setFileAside(path: string, nowMs: number): string {
  const aside = `${path}.damaged-${new Date(nowMs).toISOString().replace(/[:.]/g, "")}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"]) moveIfThere(path + suffix, aside + suffix);
  const older = readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.damaged-`) && !/-(wal|shm)$/.test(name))
    .toSorted()
    .slice(0, -DAMAGED_FILES_KEPT_MAX);
  for (const name of older)
    for (const suffix of ["", "-wal", "-shm"]) rmSync(join(dirname(path), name + suffix), { force: true });
  return aside;
}

function moveIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
}

/** A damaged file, open; `db` is null when nothing of it can be read. */
export interface Damaged {
  db: Db | null;
  /** When the file was made, epoch ms. */
  bornMs: number;
}

/**
 * Reads what can be read of a damaged file into a new one: every row the server has not got whose checksum is right.
 * They keep their stream and seq, so that what had been sent is not doubled. What cannot be read becomes gaps.
 */
export function salvage({ db, bornMs }: Damaged, into: Store, nowMs: number, known?: Known): Saved {
  const segments = known?.segments ?? readSegments(db);
  const done = known === undefined ? readAcked(db) : new Ranges(known.done.list);
  const saved =
    db === null
      ? new Ranges()
      : copyRows(db, into, both(done, known?.held), known?.highest ?? (highestOf(db) || Number.MAX_SAFE_INTEGER));
  const highest =
    known?.highest ??
    Math.max(saved.list.at(-1)?.[1] ?? 0, db === null ? 0 : highestOf(db), done.list.at(-1)?.[1] ?? 0);
  const all = segments.length > 0 ? [...segments] : [{ base: 0, stream: randomUUID() }];
  const span = spanIn(into, db, { fromMs: Math.min(nowMs, bornMs), toMs: nowMs });
  for (const key of REMEMBERED) remember(into, key, db);
  const gaps = lostRanges(all, both(saved, known?.held), done, highest, span);
  const stream = { base: highest, stream: randomUUID() };
  return {
    segments: [...all.filter(({ base }) => base < highest), stream],
    highest,
    done,
    gaps,
    savedRows: saved.size,
  };
}

function both(some: Ranges, others: Ranges | undefined): Ranges {
  return new Ranges([...some.list, ...(others?.list ?? [])]);
}

interface Span {
  fromMs: number;
  toMs: number;
}
type SpanOf = (from: number, to: number) => Span;

/** Lost rows were captured between their neighbours: those saved, or, where the server has these, those still legible. */
function spanIn(into: Store, db: Db | null, unknown: Span): SpanOf {
  const legible = (sql: string, seq: number): number | undefined =>
    attempt(() => db?.prepare<[number], { captured_at: number }>(sql).get(seq)?.captured_at);
  return (from, to) => {
    const before = legible("SELECT captured_at FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1", from);
    return into.spanOf(from, to, { ...unknown, fromMs: before ?? Math.floor(unknown.fromMs) });
  };
}

function lostRanges(segments: Segment[], saved: Ranges, done: Ranges, highest: number, spanOf: SpanOf): Gap[] {
  return segments.flatMap(({ base, stream }, index) => {
    const end = Math.min(highest, segments[index + 1]?.base ?? highest);
    const unacked = done.missing(base + 1, end);
    const lost = unacked.flatMap(([from, to]) => saved.missing(from, to));
    for (const [from, to] of lost) done.add(from, to);
    return lost.map(([from, to]) => ({
      ...spanOf(from, to),
      cause: "outbox_corrupt" as const,
      count: to - from + 1,
      stream,
      fromSeq: from - base,
      toSeq: to - base,
    }));
  });
}

/** A file that was set aside; its `db` is to be closed. Not even a new first page makes every file readable. */
export function openDamaged(aside: string): Damaged {
  const { birthtimeMs } = statSync(aside);
  return { db: openReadable(aside), bornMs: birthtimeMs };
}

function openReadable(aside: string): Db | null {
  try {
    return readable(aside);
  } catch {
    try {
      replaceFirstPage(aside);
      return readable(aside);
    } catch {
      return null;
    }
  }
}

function readable(aside: string): Db {
  const db = new Database(aside, { timeout: 0 });
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("cell_size_check = ON");
    db.prepare("SELECT seq FROM events LIMIT 0").all();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * The first page holds the schema, without which nothing can be read. Every outbox has its tables in the same places,
 * so a new file's first page, told the old one's length and an empty free list, opens the old one.
 */
function replaceFirstPage(aside: string): void {
  const model = `${aside}.model`;
  openDatabase(model).close();
  const page = Buffer.alloc(PAGE_BYTES);
  const from = openSync(model, "r");
  const to = openSync(aside, "r+");
  try {
    readSync(from, page, 0, PAGE_BYTES, 0);
    page.writeUInt32BE(Math.floor(statSync(aside).size / PAGE_BYTES), 28);
    page.fill(0, 32, 40);
    writeSync(to, page, 0, PAGE_BYTES, 0);
  } finally {
    closeSync(from);
    closeSync(to);
    rmSync(model, { force: true });
  }
}

/** What the agent remembers of AMI, where it is still legible. */
function remember(into: Store, key: string, db: Db | null): void {
  const sql = "SELECT value FROM meta WHERE key = ?";
  const value = attempt(() => db?.prepare<[string], { value: string }>(sql).get(key)?.value);
  if (value !== undefined) into.transaction(() => into.remember(key, value));
}

function readSegments(db: Db | null): Segment[] {
  if (db === null) return [];
  const inTable = attempt(() => db.prepare<[], Segment>("SELECT base, stream FROM streams ORDER BY base").all()) ?? [];
  if (inTable.length > 0) return inTable;
  const text = attempt(
    () => db.prepare<[], { value: string }>("SELECT value FROM meta WHERE key = 'streams'").get()?.value,
  );
  return attempt(() => JSON.parse(text ?? "[]") as Segment[]) ?? [];
}

/** Acks that cannot be read are no loss: those events are sent again and the server knows them. */
function readAcked(db: Db | null): Ranges {
  const rows = attempt(() => db?.prepare<[], { lo: number; hi: number }>("SELECT lo, hi FROM acked ORDER BY lo").all());
  return new Ranges((rows ?? []).map(({ lo, hi }) => [lo, hi]));
}

function highestOf(db: Db): number {
  const sequence = attempt(
    () => db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get()?.seq,
  );
  const last = attempt(
    () => db.prepare<[], { seq: number }>("SELECT seq FROM events ORDER BY seq DESC LIMIT 1").get()?.seq,
  );
  return Math.max(sequence ?? 0, last ?? 0);
}

interface FullRow {
  seq: number;
  captured_at: number;
  mono: number;
  lag: number;
  name: string;
  linkedid: string | null;
  body: string;
  crc: number;
}

const FULL_ROW = "seq, captured_at, mono, lag, name, linkedid, body, crc";

/** Walks up through the rows; where a page breaks the walk, leaps over it in growing steps and goes on behind it. */
function copyRows(db: Db, into: Store, done: Ranges, highest: number): Ranges {
  const saved = new Ranges();
  const after = db.prepare<[number, number], FullRow>(
    `SELECT ${FULL_ROW} FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
  );
  let seq = done.firstMissing(1) - 1;
  let size = ROWS_PER_TRANSACTION;
  let leap = 1;
  for (let leaps = 0; seq < highest && leaps < LEAPS_MAX;) {
    const rows = attempt(() => after.all(seq, size));
    if (rows !== undefined) {
      if (rows.length === 0) break;
      save(rows, into, done, saved);
      seq = rows.at(-1)?.seq ?? seq;
      [leap, size] = [1, Math.min(ROWS_PER_TRANSACTION, size * 2)];
    } else if (size > 1) size = Math.ceil(size / 10);
    else {
      seq += leap;
      leap = Math.min(leap * 2, LEAP_ROWS_MAX);
      leaps++;
    }
  }
  return saved;
}

function save(rows: readonly FullRow[], into: Store, done: Ranges, saved: Ranges): void {
  const whole = rows.filter(({ seq, body, crc }) => !done.has(seq) && !saved.has(seq) && checksum(seq, body) === crc);
  into.transaction(() => {
    for (const row of whole) into.insert({ ...row, at: row.captured_at });
  });
  for (const { seq } of whole) saved.add(seq, seq);
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
