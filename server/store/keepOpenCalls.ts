import type { Pool } from "pg";

/** Calls whose events are gathered in one statement. */
const callsMax = 200;

/**
 * Keeps the events of calls that are not final with the calls, before the log that has them goes: what still comes for them
 * then joins those. Returns how many calls it could not keep, because somebody was writing them.
 */
export async function keepOpenCalls(pool: Pool, before: Date): Promise<number> {
  for (;;) {
    const { rowCount } = await pool.query(KEEP, [before, callsMax]);
    if (rowCount === 0) break;
  }
  const { rows } = await pool.query<{ left: number }>(`SELECT count(*)::float8 AS left FROM calls c WHERE ${OPEN}`, [
    before,
  ]);
  return rows[0]?.left ?? 0;
}

const OPEN = `c.state <> 'final' AND c.site_id IS NOT NULL AND c.received_timestamp < $1 AND (c.kept_at IS NULL OR c.kept_at < c.changed_at)`;

const KEEP = `
WITH open AS (
  SELECT c.id, c.site_id, c.raw_data FROM calls c WHERE ${OPEN} ORDER BY c.id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
), events AS (
  SELECT DISTINCT ON (o.id, e.stream_id, e.seq) o.id, e.stream_id, e.seq, jsonb_build_object('stream', e.stream_id, 'seq', e.seq,
    'at', (extract(epoch FROM e.captured_at) * 1000)::bigint, 'origin', e.origin, 'ev', e.body) AS event
  FROM open o JOIN call_links l ON l.call_id = o.id
  JOIN ami_events e ON e.site_id = l.site_id AND e.linkedid = l.linkedid
), all_events AS (
  SELECT id, stream_id, seq, event FROM events
  UNION ALL
  SELECT o.id, (k ->> 'stream')::bigint, (k ->> 'seq')::bigint, k
  FROM open o CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(o.raw_data) WHEN 'array' THEN o.raw_data ELSE '[]' END) k
  WHERE NOT EXISTS (SELECT FROM events e WHERE (e.id, e.stream_id, e.seq) = (o.id, (k ->> 'stream')::bigint, (k ->> 'seq')::bigint))
)
UPDATE calls c SET kept_at = clock_timestamp(),
  raw_data = (SELECT coalesce(jsonb_agg(a.event ORDER BY a.stream_id, a.seq), '[]') FROM all_events a WHERE a.id = c.id)
FROM open WHERE c.id = open.id`;
