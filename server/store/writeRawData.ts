import type { ClientBase } from "pg";

/** A call that became final. The markers are the site events without which its end could not be told. */
export interface FinalCall {
  callId: number;
  siteId: number;
  markers: { stream: number; seq: number }[];
}

/**
 * Writes calls.raw_data: [{stream, seq, at, origin, ev}, ...] in order, `site: true` on the site's markers, made inside the
 * database from the raw log and the given markers (those that name no channel of the call).
 * `since`: when the first event of these calls was received, epoch ms.
 */
export async function writeRawData(client: ClientBase, calls: FinalCall[], since: number): Promise<void> {
  if (calls.length === 0) return;
  const markers = calls.flatMap(({ callId, siteId, markers }) =>
    markers.map((marker) => ({ callId, siteId, ...marker })),
  );
  await client.query({
    name: "write_raw_data",
    text: `WITH found AS (
             SELECT l.call_id, e.stream_id, e.seq, e.captured_at, e.origin, e.body, '{}'::jsonb AS also
             FROM call_links l JOIN ami_events e ON e.site_id = l.site_id AND e.linkedid = l.linkedid
             WHERE l.call_id = ANY($1::bigint[]) AND e.received_at >= to_timestamp($2::float8 / 1000)
             UNION ALL
             SELECT r."callId", m.stream_id, m.seq, m.captured_at, m.origin, m.body, '{"site": true}'
             FROM json_to_recordset($3) AS r ("callId" bigint, "siteId" int, stream bigint, seq bigint)
             JOIN site_markers m ON (m.site_id, m.stream_id, m.seq) = (r."siteId", r.stream, r.seq)
             WHERE NOT EXISTS (SELECT FROM ami_events e JOIN call_links l ON l.site_id = e.site_id AND l.linkedid = e.linkedid
               WHERE e.stream_id = m.stream_id AND e.seq = m.seq AND l.call_id = r."callId"
                 AND e.received_at >= to_timestamp($2::float8 / 1000))
           ), made AS (
             SELECT call_id, jsonb_agg(jsonb_build_object('stream', stream_id, 'seq', seq, 'at',
               (extract(epoch FROM captured_at) * 1000)::bigint, 'origin', origin, 'ev', body) || also ORDER BY stream_id, seq) AS events
             FROM found GROUP BY call_id
           )
           UPDATE calls c SET raw_data = made.events FROM made WHERE c.id = made.call_id`,
    values: [calls.map((call) => call.callId), since - MARGIN_MS, JSON.stringify(markers)],
  });
}

const MARGIN_MS = 1000;

/** As writeRawData, from events at hand: for a call that was final before, whose old events the log may no longer have. */
export async function rewriteRawData(client: ClientBase, callId: number, events: unknown[]): Promise<void> {
  await client.query("UPDATE calls SET raw_data = $2::jsonb WHERE id = $1", [callId, JSON.stringify(events)]);
}
