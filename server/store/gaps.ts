import type { ClientBase } from "pg";
import { MARKERS } from "../../shared/ami-event.ts";

/** A time a site was blind, as one marker tells it. Times in epoch ms. */
export interface GapRow {
  siteId: number;
  streamId: number;
  markerSeq: number;
  cause: string;
  detail: string | null;
  fromTime: number;
  toTime: number | null;
  fromSeq: number | null;
  toSeq: number | null;
  count: number | null;
}

export async function insertGaps(client: ClientBase, rows: GapRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `INSERT INTO gaps (site_id, stream_id, marker_seq, cause, detail, from_time, to_time, from_seq, to_seq, count)
     SELECT "siteId", "streamId", "markerSeq", cause, detail, to_timestamp("fromTime" / 1000),
       to_timestamp("toTime" / 1000), "fromSeq", "toSeq", count
     FROM json_to_recordset($1) AS r ("siteId" int, "streamId" bigint, "markerSeq" bigint, cause text, detail text,
       "fromTime" float8, "toTime" float8, "fromSeq" bigint, "toSeq" bigint, count bigint)
     ON CONFLICT (stream_id, marker_seq) DO NOTHING`,
    [JSON.stringify(rows)],
  );
}

/**
 * Settles what several markers tell of the same blindness; done afresh whenever one arrives, so that their order of
 * arrival does not matter. A lost capture ends where the next one started; when the agent then says itself from when to
 * when it was blind, that row stands for both.
 */
export async function settleGaps(client: ClientBase, siteIds: number[]): Promise<void> {
  await client.query(
    `UPDATE gaps g SET to_time = started.captured_at
     FROM site_markers lost
     JOIN LATERAL (SELECT m.captured_at FROM site_markers m WHERE m.site_id = lost.site_id AND m.event = $3
       AND (m.stream_id, m.seq) > (lost.stream_id, lost.seq) ORDER BY m.stream_id, m.seq LIMIT 1) started ON TRUE
     WHERE g.site_id = ANY($1::int[]) AND lost.event = $2
       AND (lost.site_id, lost.stream_id, lost.seq) = (g.site_id, g.stream_id, g.marker_seq)
       AND g.to_time IS DISTINCT FROM started.captured_at`,
    [siteIds, MARKERS.captureLost, MARKERS.captureStarted],
  );
  await client.query(
    `DELETE FROM gaps g USING site_markers lost
     WHERE g.site_id = ANY($1::int[]) AND lost.event = $2
       AND (lost.site_id, lost.stream_id, lost.seq) = (g.site_id, g.stream_id, g.marker_seq)
       AND EXISTS (SELECT FROM gaps told JOIN site_markers m
           ON (m.site_id, m.stream_id, m.seq) = (told.site_id, told.stream_id, told.marker_seq) AND m.event = $3
         WHERE told.site_id = g.site_id AND told.from_seq IS NULL AND told.count IS NULL
           AND g.from_time >= told.from_time - interval '1 second' AND g.from_time <= told.to_time)`,
    [siteIds, MARKERS.captureLost, MARKERS.gap],
  );
}

/** Streams of a site by UUID: a gap marker may tell of an older outbox of the same site. */
export async function findStreams(
  client: ClientBase,
  uuids: string[],
): Promise<{ id: number; siteId: number; uuid: string }[]> {
  if (uuids.length === 0) return [];
  const { rows } = await client.query<{ id: number; siteId: number; uuid: string }>(
    `SELECT id::float8 AS id, site_id AS "siteId", uuid::text FROM streams WHERE uuid = ANY($1::uuid[])`,
    [uuids],
  );
  return rows;
}
