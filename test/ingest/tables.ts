import type { Office } from "./office.ts";

/** Everything the tables say of a site's calls, free of ids and receipt times: equal for equal calls. */
export async function tellCalls(office: Office, siteId: number): Promise<unknown[]> {
  return office.rows(
    `SELECT c.unique_id, c.linkedid, c.enterprise_id, c.start_time, c.end_time, c.duration, c.phone_number, c.trunk,
       c.main_extension, c.extensions_count, c.call_type, c.call_status, c.data_source, c.asterisk_host, c.extra_data,
       c.state, c.incomplete, c.event_count,
       (SELECT jsonb_agg(e - 'stream' ORDER BY place) FROM jsonb_array_elements(c.raw_data) WITH ORDINALITY r (e, place)) AS raw_data,
       (SELECT json_agg(p ORDER BY p.ring_order) FROM (SELECT extension, participant_status, ring_order, ring_duration,
          dial_start, answer_time, hangup_time, extension_info, disconnect_reason
          FROM call_participants WHERE call_id = c.id) p) AS participants,
       (SELECT json_agg(s ORDER BY s.event_sequence) FROM (SELECT unique_id, event_type, event_sequence, event_timestamp,
          data_source, needs_telegram, needs_integration, processed, raw_data, leg, nth
          FROM call_events WHERE call_id = c.id) s) AS steps,
       (SELECT json_agg(l.linkedid ORDER BY l.linkedid) FROM call_links l WHERE l.call_id = c.id) AS links
     FROM calls c WHERE c.site_id = $1 ORDER BY c.linkedid`,
    [siteId],
  );
}

/** How often each event of the site is stored: {"stored": n, "distinct": n}. */
export async function countStored(office: Office, siteId: number): Promise<{ stored: number; distinct: number }> {
  const [row] = await office.rows<{ stored: number; distinct: number }>(
    `SELECT count(*)::int AS stored, count(DISTINCT (stream_id, seq))::int AS distinct FROM ami_events WHERE site_id = $1`,
    [siteId],
  );
  return row!;
}
