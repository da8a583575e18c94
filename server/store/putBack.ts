import type { ClientBase, Pool } from "pg";
import { inTransaction } from "./transaction.ts";

/** A stream of which a database that was put back to an older copy lacks what it had acked. */
export interface LostStream {
  siteId: number;
  streamId: number;
  /** int8multirange as text: what the agent was ever acked of it. */
  acked: string;
}

/**
 * Notes that the database was put back: what was acked counts as told of, deliveries about it are given up, and the site is
 * checked often for a while. Returns how many deliveries, undefined when another server has noted it already.
 */
export function notePutBack(pool: Pool, lost: LostStream): Promise<number | undefined> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE streams SET acked_before = acked_before + $2::int8multirange
       WHERE id = $1 AND NOT $2::int8multirange <@ (received + filled + acked_before)`,
      [lost.streamId, lost.acked],
    );
    if (rowCount !== 1) return undefined;
    await client.query("UPDATE gaps SET asked_at = '-infinity' WHERE site_id = $1 AND repaired_at IS NULL", [
      lost.siteId,
    ]);
    const given = await giveUpDeliveries(client, lost.siteId);
    await client.query("UPDATE sites SET put_back_at = now() WHERE id = $1", [lost.siteId]);
    return given;
  });
}

/**
 * Those of the site about calls of which everything had been acked: they may have been sent after the copy was made. A call
 * that Asterisk's own files alone tell has nothing to be acked. What is owed since another of its streams was found to lack
 * something is of this database.
 */
async function giveUpDeliveries(client: ClientBase, siteId: number): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `WITH closed AS (
       UPDATE deliveries d SET state = 'given_up', done_at = now(), claimed_until = NULL, next_attempt_at = NULL,
         last_error = 'the database was put back to an older copy: this may have been sent already'
       FROM calls c WHERE c.id = d.call_id AND d.site_id = $1 AND d.state = 'waiting'
         AND NOT EXISTS (SELECT FROM sites k WHERE k.id = $1 AND k.put_back_at >= pg_postmaster_start_time() AND d.created_at > k.put_back_at)
         AND NOT EXISTS (
         SELECT FROM jsonb_array_elements(c.proof) p JOIN streams s ON s.id = (p ->> 0)::bigint
         WHERE NOT int8range((p ->> 1)::bigint, (p ->> 2)::bigint, '[]') <@ (s.acked_before + s.filled))
       RETURNING d.*
     ), steps AS (
       UPDATE call_events e SET processed = TRUE FROM closed d
       WHERE e.call_id = d.call_id AND (e.site_id, e.leg, e.event_type, e.nth) = (d.site_id, d.leg, d.event_type, d.nth)
     )
     SELECT count(*)::float8 AS count FROM closed`,
    [siteId],
  );
  return rows[0]?.count ?? 0;
}
