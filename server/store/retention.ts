import type { Pool } from "pg";
import type { RetentionPolicy } from "./retentionPolicy.ts";
import { inTransaction } from "./transaction.ts";

/** A partition that has outlived its time. */
export interface ExpiredPartition {
  parent: "ami_events" | "call_events_steps";
  name: string;
  /** Everything in it was received before. */
  until: Date;
  bytes: number;
}

/** Dropping waits this long for whoever uses the partition, and no one waits longer behind it; then it is tried another time. */
const lockMsMax = 200;
const LOCK_NOT_AVAILABLE = "55P03";

/** Partitions, oldest first, all of whose rows are older than the policy keeps them. Hangups are never among them. */
export async function findExpired(pool: Pool, policy: RetentionPolicy, nowMs: number): Promise<ExpiredPartition[]> {
  const { rows } = await pool.query<ExpiredPartition>(
    `SELECT * FROM (
       SELECT p.relname AS parent, c.relname AS name, pg_total_relation_size(c.oid)::float8 AS bytes,
         substring(pg_get_expr(c.relpartbound, c.oid) FROM $$TO \\('([^']+)'\\)$$)::timestamptz AS until
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
       WHERE i.inhparent IN ('ami_events'::regclass, 'call_events_steps'::regclass)) t
     WHERE until <= to_timestamp($1) - make_interval(days => CASE parent WHEN 'ami_events' THEN $2::int ELSE $3::int END)
     ORDER BY until, name`,
    [nowMs / 1000, policy.log, policy.steps],
  );
  return rows;
}

/** True when it was dropped, or was gone already; false when somebody used it. */
export async function dropPartition(pool: Pool, name: string): Promise<boolean> {
  try {
    await inTransaction(pool, async (client) => {
      await client.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
      await client.query(`DROP TABLE IF EXISTS ${client.escapeIdentifier(name)}`);
    });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}
