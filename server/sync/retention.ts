import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import { ensurePartitions } from "../store/ensurePartitions.ts";
import { dropPartition, findExpired, type ExpiredPartition, type RetentionPolicy } from "../store/retention.ts";

/** How long the raw log is kept, and the steps of calls that are not hangups; hangups stay. */
export const RETENTION: RetentionPolicy = { amiEventsDays: 30, stepsDays: 90 };
const DAY_MS = 86_400_000;
/** Partitions are made for today and so many days to come. */
const daysAhead = 3;

export interface Retained {
  dropped: ExpiredPartition[];
  /** Still in use: dropped another time. */
  busy: ExpiredPartition[];
}

/** Makes the partitions of the days to come, then drops those that are too old, one by one. */
export async function retain(options: {
  pool: Pool;
  log: Pick<Logger, "info">;
  now: () => number;
  stopped?: () => boolean;
}): Promise<Retained> {
  const { pool, log, now, stopped } = options;
  for (let day = 0; day <= daysAhead; day++) await ensurePartitions(pool, now() + day * DAY_MS);
  const done: Retained = { dropped: [], busy: [] };
  for (const partition of await findExpired(pool, RETENTION, now())) {
    if (stopped?.() === true) break;
    const dropped = await dropPartition(pool, partition.name);
    (dropped ? done.dropped : done.busy).push(partition);
    log.info({ partition: partition.name, dropped }, "a partition is older than it is kept");
  }
  return done;
}
