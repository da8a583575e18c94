import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import { countOld, deleteOld, type OldTable } from "../store/deleteOld.ts";
import { ensurePartitions } from "../store/ensurePartitions.ts";
import { keepOpenCalls } from "../store/keepOpenCalls.ts";
import { dropPartition, findExpired, type ExpiredPartition } from "../store/retention.ts";
import { readRetention } from "../store/retentionPolicy.ts";

const DAY_MS = 86_400_000;
/** Partitions are made for today and so many days to come. */
const daysAhead = 3;

export interface Retained {
  dropped: ExpiredPartition[];
  /** Still in use: dropped another time. */
  busy: ExpiredPartition[];
  /** Rows that are deleted one by one; tables without any are left out. */
  deleted: OldRows[];
}

export interface OldRows {
  table: OldTable;
  until: Date;
  rows: number;
}

const TABLES: readonly OldTable[] = ["downloads", "rejected_events", "site_markers", "telegram_cards"];

export interface RetainOptions {
  pool: Pool;
  log: Pick<Logger, "info">;
  now: () => number;
  stopped?: () => boolean;
}

/** Makes the partitions of the days to come, then drops those that are too old, one by one, and deletes old records. */
export async function retain({ pool, log, now, stopped = () => false }: RetainOptions): Promise<Retained> {
  const policy = await readRetention(pool);
  for (let day = 0; day <= daysAhead; day++) await ensurePartitions(pool, now() + day * DAY_MS);
  const done: Retained = { dropped: [], busy: [], deleted: [] };
  for (const partition of await findExpired(pool, policy, now())) {
    if (stopped()) break;
    const dropped = (await mayGo(pool, partition)) && (await dropPartition(pool, partition.name));
    (dropped ? done.dropped : done.busy).push(partition);
    log.info({ partition: partition.name, dropped }, "a partition is older than it is kept");
  }
  const until = new Date(now() - policy.records * DAY_MS);
  for (const table of TABLES) {
    const rows = await deleteOld(pool, table, until, stopped);
    if (rows > 0) done.deleted.push({ table, until, rows });
  }
  if (done.deleted.length > 0) log.info({ deleted: done.deleted }, "records older than they are kept are deleted");
  return done;
}

/** What would go. */
export async function wouldGo(pool: Pool, nowMs: number): Promise<Pick<Retained, "dropped" | "deleted">> {
  const policy = await readRetention(pool);
  const deleted: OldRows[] = [];
  const until = new Date(nowMs - policy.records * DAY_MS);
  for (const table of TABLES) {
    const rows = await countOld(pool, table, until);
    if (rows > 0) deleted.push({ table, until, rows });
  }
  return { dropped: await findExpired(pool, policy, nowMs), deleted };
}

/** Calls that are not final have their events nowhere else yet. */
async function mayGo(pool: Pool, { parent, until }: ExpiredPartition): Promise<boolean> {
  return parent !== "ami_events" || (await keepOpenCalls(pool, until)) === 0;
}
