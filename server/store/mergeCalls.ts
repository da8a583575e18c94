import type { ClientBase } from "pg";
import { addJobs } from "./deliveryJobs.ts";
import { mergeCards } from "./telegram/oweCards.ts";
import type { Merge } from "./merge.ts";

/** Re-points steps, links and deliveries of merged calls, then deletes their rows (and participants). Locks are held. */
export async function mergeCalls(client: ClientBase, merges: Merge[]): Promise<void> {
  if (merges.length === 0) return;
  await announceMerges(
    client,
    merges.filter(({ toldBefore }) => toldBefore !== true),
  );
  await mergeCards(client, merges);
  const values = [merges.map((m) => m.gone), merges.map((m) => m.survivor)];
  for (const [table, also] of REPOINTED) {
    await client.query(
      `UPDATE ${table} t SET call_id = m.survivor ${also}
       FROM unnest($1::bigint[], $2::bigint[]) AS m (gone, survivor) JOIN calls s ON s.id = m.survivor
       WHERE t.call_id = m.gone`,
      values,
    );
  }
  await client.query(
    `UPDATE calls s SET kept_at = g.kept_at FROM unnest($1::bigint[], $2::bigint[]) AS m (gone, survivor)
     JOIN calls g ON g.id = m.gone WHERE s.id = m.survivor AND g.kept_at IS NOT NULL`,
    values,
  );
  await client.query("DELETE FROM calls WHERE id = ANY($1::bigint[])", [values[0]]);
}

/** Deliveries before their steps: so does whoever notes that one was sent. */
const REPOINTED = [
  ["deliveries", ""],
  ["call_events", ", unique_id = s.unique_id"],
  ["call_links", ""],
] as const;

/**
 * A receiver that may have been told a call's start under its own unique_id is owed a hangup for it (nth 0: no step of the
 * call has it) unless it was told one before; what was never tried will be told as the survivor's.
 */
async function announceMerges(client: ClientBase, merges: readonly Merge[]): Promise<void> {
  if (merges.length === 0) return;
  const values = [merges.map((m) => m.gone), merges.map((m) => m.survivor)];
  const pairs = `unnest($1::bigint[], $2::bigint[]) AS m (gone, survivor) JOIN calls s ON s.id = m.survivor`;
  await client.query(
    `UPDATE deliveries d SET unique_id = s.unique_id FROM ${pairs} WHERE d.call_id = m.gone AND d.attempts = 0 AND NOT d.merged`,
    values,
  );
  await client.query(
    `WITH owed AS (
       INSERT INTO deliveries (enterprise_id, call_id, site_id, leg, event_type, nth, channel, target, unique_id, merged)
       SELECT d.enterprise_id, m.survivor, d.site_id, d.leg, 'hangup', 0, d.channel, d.target, d.unique_id, TRUE
       FROM ${pairs} JOIN deliveries d ON d.call_id = m.gone
       WHERE d.event_type = 'start' AND d.channel = 'webhook' AND d.attempts > 0 AND NOT EXISTS (
         SELECT FROM deliveries h WHERE h.call_id = m.gone AND h.event_type = 'hangup' AND (h.attempts > 0 OR h.merged)
           AND (h.channel, h.target, h.unique_id) = (d.channel, d.target, d.unique_id))
       ON CONFLICT DO NOTHING RETURNING enterprise_id, call_id, channel, target)
     ${addJobs("owed")}`,
    values,
  );
}
