import type { Pool } from "pg";
import type { ScopeMoment } from "./findRebuildable.ts";
import { momentSql, momentValues } from "./scopeMoment.ts";

/** How much of one day a site was seen. Names are those of the JSON that `coverage --json` prints. */
export interface DayCoverage {
  site: number;
  site_name: string;
  enterprise_id: string;
  timezone: string;
  /** On the enterprise's calendar, such as 2026-11-24. */
  day: string;
  /** Of the day so far, from the site's first sign of life on. */
  seconds: number;
  seen_seconds: number;
  /** seen_seconds of seconds, 0 to 1. */
  share: number;
}

export interface CoverageScope {
  site?: number | undefined;
  /** Seven days unless given. */
  from?: ScopeMoment | undefined;
  to?: ScopeMoment | undefined;
}

const rowsMax = 10_000;
/** Silence of an agent that a heartbeat missed does not yet make. */
export const SILENCE_SECONDS_MIN = 60;
/** Holes of one site that are looked at; more are as good as one. */
const holesMax = 1_000;

/**
 * Days by site, oldest first. Not seen is: a gap that was not repaired, what events still missing lie between, and the
 * time since the agent was last heard.
 */
export async function readCoverage(pool: Pool, scope: CoverageScope, nowMs: number): Promise<DayCoverage[]> {
  const { rows } = await pool.query<DayCoverage>(SQL, [
    scope.site ?? null,
    ...momentValues(scope.from),
    ...momentValues(scope.to),
    nowMs / 1000,
    SILENCE_SECONDS_MIN,
    holesMax,
    rowsMax,
  ]);
  return rows.map((row) => ({ ...row, share: row.seconds === 0 ? 1 : row.seen_seconds / row.seconds }));
}

/** The share of today, in the enterprise's time zone, by site; sites that were never heard are not in it. */
export async function readCoverageToday(pool: Pool, nowMs: number): Promise<Map<number, number>> {
  const from = { text: new Date(nowMs - 2_000).toISOString(), local: false };
  const days = await readCoverage(pool, { from }, nowMs);
  return new Map(days.map(({ site, share }) => [site, share]));
}

const SQL = `
WITH site AS (
  SELECT s.*, e.timezone, to_timestamp($6) AS now, k.since,
    coalesce(${momentSql("$2", "$3")}, to_timestamp($6) - interval '6 days') AS wanted_from,
    least(coalesce(${momentSql("$4", "$5")}, to_timestamp($6)), to_timestamp($6)) AS wanted_to
  FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
  JOIN LATERAL (SELECT min(captured_at) AS since FROM site_markers m WHERE m.site_id = s.id) k ON k.since IS NOT NULL
  WHERE s.revoked_at IS NULL AND ($1::int IS NULL OR s.id = $1)
), hole AS (
  SELECT site.id AS site_id, tstzrange(least(t.a, t.b), greatest(t.a, t.b)) AS span
  FROM site JOIN streams st ON st.site_id = site.id AND st.kind = 'outbox' AND NOT isempty(st.received)
  CROSS JOIN LATERAL (SELECT lower(h) AS lo, upper(h) AS next FROM unnest(
    int8multirange(int8range(1, greatest(st.highest_seq, upper(range_merge(st.received)) - 1), '[]')) - st.received - st.filled) h
    LIMIT $8) h
  CROSS JOIN LATERAL (SELECT
    CASE WHEN lo = 1 THEN st.created_at ELSE (SELECT captured_at FROM ami_events WHERE stream_id = st.id AND seq = lo - 1) END AS a,
    coalesce((SELECT captured_at FROM ami_events WHERE stream_id = st.id AND seq = next), site.now) AS b) t
  WHERE t.a IS NOT NULL
), unseen AS (
  SELECT site_id, range_agg(span) AS spans FROM (
    SELECT g.site_id, tstzrange(g.from_time, greatest(coalesce(g.to_time, site.now), g.from_time)) AS span
    FROM gaps g JOIN site ON site.id = g.site_id WHERE g.repaired_at IS NULL
    UNION ALL SELECT site_id, span FROM hole
    UNION ALL SELECT id, tstzrange(last_seen, now) FROM site WHERE last_seen < now - make_interval(secs => $7)
  ) u GROUP BY site_id
), days AS (
  SELECT site.*, d AS day, tstzrange(greatest(d AT TIME ZONE timezone, since),
    least((d + interval '1 day') AT TIME ZONE timezone, now)) AS span
  FROM site CROSS JOIN LATERAL generate_series(date_trunc('day', greatest(wanted_from, since) AT TIME ZONE timezone),
    (wanted_to - interval '1 microsecond') AT TIME ZONE timezone, interval '1 day') d
  WHERE greatest(d AT TIME ZONE timezone, since) < now
)
SELECT days.id AS site, days.name AS site_name, days.enterprise_id, days.timezone, to_char(days.day, 'YYYY-MM-DD') AS day,
  extract(epoch FROM upper(span) - lower(span))::float8 AS seconds,
  (SELECT coalesce(sum(extract(epoch FROM upper(s) - lower(s))), 0)::float8
   FROM unnest(tstzmultirange(span) - coalesce(unseen.spans, '{}')) s) AS seen_seconds
FROM days LEFT JOIN unseen ON unseen.site_id = days.id
ORDER BY days.enterprise_id, days.id, days.day LIMIT $9`;
