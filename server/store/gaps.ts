import type { ClientBase } from "pg";
import { MARKERS } from "../../shared/ami-event.ts";

/** Holes of a replaced outbox that become gaps of their own. */
const HOLES_TOLD_MAX = 1_000;

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
 * when it was blind, that row stands for both: by its times, or by the name of the loss where the clock was set meanwhile.
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
           AND (m.body ->> 'Since' = lost.body ->> 'Since'
             OR g.from_time >= told.from_time - interval '1 second' AND g.from_time <= told.to_time))`,
    [siteIds, MARKERS.captureLost, MARKERS.gap],
  );
}

/** An outbox that replaced the site's earlier ones, whatever became of them: the marker that says so. */
export interface NewOutbox {
  siteId: number;
  streamId: number;
  markerSeq: number;
  /** Epoch ms. */
  at: number;
}

/** A stream of which nothing above `above` will come any more. `to`: the highest seq it is known to have had. */
export interface EndedStream {
  streamId: number;
  above: number;
  to: number;
}

/**
 * The site's earlier outboxes, of which nothing more will come. The time from the last event received to the new outbox
 * becomes a gap.
 */
export async function endOlderOutboxes(
  client: ClientBase,
  { siteId, streamId, markerSeq, at }: NewOutbox,
): Promise<EndedStream[]> {
  const { rows } = await client.query<EndedStream>(
    `WITH older AS (
       SELECT *, upper(range_merge(received)) - 1 AS last
       FROM streams WHERE site_id = $1 AND id < $2 AND kind = 'outbox' AND NOT isempty(received)
     ), silence AS (
       INSERT INTO gaps (site_id, stream_id, marker_seq, cause, detail, from_time, to_time)
       SELECT $1, $2, $3, 'agent_down', 'a new outbox: what came before is known from here',
         least(e.captured_at, to_timestamp($4 / 1000.0)), to_timestamp($4 / 1000.0)
       FROM older o JOIN ami_events e ON e.stream_id = o.id AND e.seq = o.last
       ORDER BY o.id DESC LIMIT 1
       ON CONFLICT (stream_id, marker_seq) DO NOTHING
     )
     SELECT id::float8 AS "streamId", 0 AS above, greatest(highest_seq, last)::float8 AS "to" FROM older`,
    [siteId, streamId, markerSeq, at],
  );
  return rows;
}

/**
 * What ended streams had and never sent becomes gaps, each between the events around it: known as that stream's, by its
 * first seq. `at`: when the stream that replaced them began, epoch ms.
 */
export async function tellHoles(client: ClientBase, siteId: number, ended: EndedStream[], at: number): Promise<void> {
  await client.query(
    `INSERT INTO gaps (site_id, stream_id, marker_seq, cause, detail, from_time, to_time, from_seq, to_seq, count)
     SELECT $1, id, lo, 'outbox_lost', 'the outbox that had these events was replaced', least(t.from_time, t.to_time),
       greatest(t.from_time, t.to_time), lo, hi, hi - lo + 1
     FROM (SELECT s.id, s.created_at, lower(h) AS lo, upper(h) - 1 AS hi
           FROM json_to_recordset($2) AS r ("streamId" bigint, above bigint, "to" bigint) JOIN streams s ON s.id = r."streamId",
             unnest(int8multirange(int8range(above + 1, greatest(above, "to") + 1)) - s.received - s.filled) h
           ORDER BY s.id, lower(h) LIMIT $4) hole,
       LATERAL (SELECT
         coalesce((SELECT captured_at FROM ami_events WHERE stream_id = id AND seq = lo - 1), created_at) AS from_time,
         coalesce((SELECT captured_at FROM ami_events WHERE stream_id = id AND seq = hi + 1),
           to_timestamp($3 / 1000.0)) AS to_time) t
     ON CONFLICT (stream_id, marker_seq) DO NOTHING`,
    [siteId, JSON.stringify(ended), at, HOLES_TOLD_MAX],
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
