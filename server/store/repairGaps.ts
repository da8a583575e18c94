import type { ClientBase } from "pg";
import { MARKERS } from "../../shared/ami-event.ts";

/**
 * Gaps that told of certain seqs are repaired once all of those have come after all. A marker may tell of another outbox
 * than the one it came in: its Stream says so.
 */
export async function repairGaps(client: ClientBase, siteIds: number[], atMs: number): Promise<void> {
  if (siteIds.length === 0) return;
  await client.query(
    `UPDATE gaps g SET repaired_by = 'received', repaired_at = to_timestamp($2)
     FROM streams s
     WHERE g.site_id = ANY($1::int[]) AND g.from_seq IS NOT NULL AND g.repaired_at IS NULL AND s.site_id = g.site_id
       AND s.id = coalesce((SELECT o.id FROM site_markers m JOIN streams o ON o.uuid::text = m.body ->> 'Stream'
           WHERE (m.site_id, m.stream_id, m.seq) = (g.site_id, g.stream_id, g.marker_seq) AND m.event = $3), g.stream_id)
       AND s.received @> int8range(g.from_seq, g.to_seq, '[]')`,
    [siteIds, atMs / 1000, MARKERS.gap],
  );
}
