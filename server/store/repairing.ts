import type { ClientBase } from "pg";
import { MARKERS } from "../../shared/ami-event.ts";

/** A time the agent was blind and reads of in Asterisk's own files. All times are epoch ms. */
export interface Repairing {
  /** Of the marker in its stream that says so. */
  seq: number;
  from: number;
  to: number;
  /** No longer waited for after that. */
  until: number;
  /** What was read for it was lost with a database that was put back: it is read again. */
  lost?: boolean;
}

/** Epoch ms. */
export interface Time {
  from: number;
  to: number;
}

/** The marker that ended a blindness and says that files are being read. */
export interface RepairBegun {
  siteId: number;
  streamId: number;
  seq: number;
  /** When the blindness ended, epoch ms. */
  to: number;
}

/** Where nothing says when a blindness began it was at most so long ago, ms. */
const BLIND_MS_MAX = 24 * 3_600_000;

/**
 * Notes that files are read for the blindness that ended there, from when the site's gaps say it began; nothing when its
 * outcome is known already, as markers may overtake each other. Returns what is noted, undefined for nothing.
 */
export async function noteRepairing(
  client: ClientBase,
  { siteId, streamId, seq, to }: RepairBegun,
  until: number,
): Promise<Repairing | undefined> {
  const { rows } = await client.query<{ noted: Repairing }>(
    `WITH blind AS (
       SELECT jsonb_build_object('seq', $3::bigint, 'from', coalesce((
           SELECT min(extract(epoch FROM g.from_time) * 1000)::float8 FROM gaps g
           WHERE g.site_id = $1 AND g.repaired_at IS NULL
             AND abs(extract(epoch FROM g.to_time) * 1000 - $4::float8) <= 5000), $4::float8 - $6::float8),
         'to', $4::float8, 'until', $5::float8) AS noted
       WHERE NOT EXISTS (SELECT FROM site_markers m WHERE m.site_id = $1 AND m.event = $7
         AND (m.stream_id, m.seq) > ($2, $3) AND m.body ->> 'To' ~ '^[0-9]{1,16}$'
         AND (m.body ->> 'To')::float8 >= $4::float8
         AND m.body ->> 'From' ~ '^[0-9]{1,16}$' AND (m.body ->> 'From')::float8 <= $4::float8)
     )
     UPDATE streams SET repairing = repairing || noted FROM blind WHERE id = $2 RETURNING noted`,
    [siteId, streamId, seq, to, until, BLIND_MS_MAX, MARKERS.recovered],
  );
  return rows[0]?.noted;
}

/** The word of what was read for a time. */
export interface ToldTime extends Time {
  /** False: it says of no row that it is here, and had been acked before the database was put back. What is read again since is not over. */
  provesRows: boolean;
}

/** Forgets the blindness that ended within this time (epoch ms): it is told what came of reading for it. */
export async function endRepairing(
  client: ClientBase,
  siteId: number,
  { from, to, provesRows }: ToldTime,
): Promise<void> {
  await client.query(
    `UPDATE streams SET repairing = (
       SELECT coalesce(jsonb_agg(r), '[]') FROM jsonb_array_elements(repairing) r
       WHERE (r ->> 'to')::float8 NOT BETWEEN $2::float8 AND $3::float8 OR (NOT $4::bool AND r ? 'lost'))
     WHERE site_id = $1 AND repairing <> '[]'`,
    [siteId, from, to, provesRows],
  );
}

/** Whether the word of what was read for this time ends the waiting for that blindness. */
export function isOver({ to, lost }: Repairing, told: ToldTime): boolean {
  return to >= told.from && to <= told.to && (told.provesRows || lost !== true);
}

/**
 * What was read for that time was lost with a database that was put back to an older copy: it is asked for again, and its
 * calls wait for it.
 */
export async function readAgain(client: ClientBase, siteId: number, streamId: number, lost: Repairing): Promise<void> {
  await client.query(
    `WITH waited AS (UPDATE streams SET repairing = repairing || $3::jsonb WHERE id = $2)
     INSERT INTO downloads (site_id, from_time, to_time, asked_by)
     VALUES ($1, to_timestamp($4::float8 / 1000), to_timestamp($5::float8 / 1000), 'sync')
     ON CONFLICT (site_id, from_time, to_time) WHERE done_at IS NULL DO NOTHING`,
    [siteId, streamId, JSON.stringify(lost), lost.from, Math.max(lost.to, lost.from + 1)],
  );
}

/** A time that was read of Asterisk's own files. */
export interface ReadTime extends Time {
  siteId: number;
  /** That it was read had been acked before the database was put back. */
  before: boolean;
  /** It ends where a blindness of the agent does. */
  ofBlindness: boolean;
}

/** What was read of Asterisk's own files for these sites. */
export async function listReadTimes(client: ClientBase, siteIds: number[]): Promise<ReadTime[]> {
  const { rows } = await client.query<ReadTime>(
    `SELECT m.site_id AS "siteId", (m.body ->> 'From')::float8 AS from, (m.body ->> 'To')::float8 AS to,
       s.acked_before @> m.seq AS before, EXISTS (SELECT FROM site_markers b WHERE b.site_id = m.site_id AND b.event = $3
         AND b.body ->> 'RepairTo' = m.body ->> 'To') AS "ofBlindness"
     FROM site_markers m JOIN streams s ON s.id = m.stream_id
     WHERE m.site_id = ANY($1::int[]) AND m.event = $2
       AND m.body ->> 'From' ~ '^[0-9]{1,15}$' AND m.body ->> 'To' ~ '^[0-9]{1,15}$'`,
    [siteIds, MARKERS.recovered, MARKERS.captureStarted],
  );
  return rows;
}

/**
 * Gaps whose whole time was read from Asterisk's own files are repaired by these; where something could not be read, the
 * gap says why. Done afresh whenever a marker arrives, so their order does not matter.
 */
export async function settleRepairs(client: ClientBase, siteIds: number[]): Promise<void> {
  await client.query(
    `WITH told AS (
       SELECT m.site_id, m.captured_at, m.body ->> 'Result' AS result, m.body ->> 'Reason' AS reason,
         CASE WHEN m.body ->> 'Source' LIKE '%cel%' THEN 'cel' ELSE 'cdr' END AS by,
         to_timestamp((m.body ->> 'From')::float8 / 1000) - interval '1 second' AS from_time,
         to_timestamp((m.body ->> 'To')::float8 / 1000) + interval '1 second' AS to_time
       FROM site_markers m
       WHERE m.site_id = ANY($1::int[]) AND m.event = $2
         AND m.body ->> 'From' ~ '^[0-9]{1,15}$' AND m.body ->> 'To' ~ '^[0-9]{1,15}$')
     UPDATE gaps g SET
       repaired_by = CASE WHEN told.result = 'complete' THEN told.by END,
       repaired_at = CASE WHEN told.result = 'complete' THEN told.captured_at END,
       detail = CASE WHEN told.result = 'complete' OR told.reason IS NULL OR strpos(coalesce(g.detail, ''), told.reason) > 0
         THEN g.detail ELSE concat_ws('; ', nullif(g.detail, ''), 'not repaired: ' || told.reason) END
     FROM told
     WHERE told.site_id = g.site_id AND g.repaired_at IS NULL AND g.to_time IS NOT NULL
       AND g.from_time >= told.from_time AND g.to_time <= told.to_time`,
    [siteIds, MARKERS.recovered],
  );
}
