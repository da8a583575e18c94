import type { ClientBase, Pool } from "pg";

/** A row of download_sync that is due, with what stands there from the last check. */
export interface DueSync {
  id: number;
  enterpriseId: string;
  host: string;
  failedBefore: number;
}

/** Which rows; both undefined: all of them. */
export interface SyncScope {
  enterpriseId?: string | undefined;
  host?: string | undefined;
}

/** Events are counted this long after their receipt: by then the transactions that brought them are over. */
const settledSeconds = 60;
/** Windows asked for in one check of one site. */
const windowsMax = 10;
const holesMax = 1_000;
/** After a database was put back a site is checked with every run for so long. */
const putBackMinutes = 15;
/** An agent that is heard and has sent nothing of an older outbox for so long has nothing more of it to send by itself. */
const idleSeconds = 60;

/** A row for every PBX that is not revoked; the first check of a new one is due at once. */
export async function ensureSyncRows(pool: Pool): Promise<void> {
  await pool.query(
    `INSERT INTO download_sync (enterprise_id, asterisk_host, last_check_timestamp)
     SELECT DISTINCT enterprise_id, host, NULL::timestamptz FROM sites WHERE revoked_at IS NULL
     ON CONFLICT (enterprise_id, asterisk_host) DO NOTHING`,
  );
}

/** Locks one row that is due and no other server has. `forced`: rows of it not checked since `nowMs`, whatever their interval. */
export async function lockDueSync(
  client: ClientBase,
  nowMs: number,
  forced: SyncScope | undefined,
): Promise<DueSync | undefined> {
  const { rows } = await client.query<DueSync>(
    `SELECT id::float8 AS id, enterprise_id AS "enterpriseId", asterisk_host AS host,
       coalesce(failed_events_count, 0) AS "failedBefore"
     FROM download_sync d
     WHERE EXISTS (SELECT FROM sites s WHERE s.enterprise_id = d.enterprise_id AND s.host = d.asterisk_host AND s.revoked_at IS NULL)
       AND CASE WHEN $2::bool THEN (last_check_timestamp IS NULL OR last_check_timestamp < to_timestamp($1))
             AND ($3::text IS NULL OR enterprise_id = $3) AND ($4::text IS NULL OR asterisk_host = $4)
           ELSE sync_enabled AND (last_check_timestamp IS NULL
             OR last_check_timestamp + make_interval(mins => check_interval_minutes) <= to_timestamp($1)
             OR (last_check_timestamp < to_timestamp($1) AND EXISTS (SELECT FROM sites s WHERE s.enterprise_id = d.enterprise_id
               AND s.host = d.asterisk_host AND s.put_back_at > to_timestamp($1) - interval '${putBackMinutes} minutes'))) END
     ORDER BY last_check_timestamp NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [nowMs / 1000, forced !== undefined, forced?.enterpriseId ?? null, forced?.host ?? null],
  );
  return rows[0];
}

/** How a PBX stands. */
export interface SyncFacts {
  /** Seconds since the agent was last heard; null: never. */
  silentSeconds: number | null;
  /** How its agent stands with Asterisk, unless it hears it; null also when the agent is silent. */
  deaf: string | null;
  /** Events the agent believes acked that are not here. */
  missing: number;
  /** Events that unrepaired gaps lost, as far as they are counted. */
  lost: number;
  /** Events received as downloaded or recovered since the last count. */
  downloaded: number;
  /** Windows newly asked of the agent. */
  asked: number;
}

/** Looks how a PBX stands, and asks its agent for what is missing: holes, and each gap once. */
export async function checkSync(client: ClientBase, due: DueSync, nowMs: number): Promise<SyncFacts> {
  const values = [due.enterpriseId, due.host, nowMs / 1000];
  const { rows } = await client.query<Omit<SyncFacts, "asked">>(FACTS, [...values, due.id, settledSeconds]);
  const holes = await client.query(ASK_FOR_HOLES, [...values, holesMax]);
  const gaps = await client.query(ASK_FOR_GAPS, [...values, windowsMax]);
  const facts = rows[0] ?? { silentSeconds: null, deaf: null, missing: 0, lost: 0, downloaded: 0 };
  return { ...facts, asked: (holes.rowCount ?? 0) + (gaps.rowCount ?? 0) };
}

/** Writes what a check found. `error` null: all that can be here is here. */
export async function noteSync(
  client: ClientBase,
  due: DueSync,
  found: { nowMs: number; failed: number; downloaded: number; error: string | null },
): Promise<void> {
  const { nowMs, failed, downloaded, error } = found;
  await client.query(
    `UPDATE download_sync SET last_check_timestamp = to_timestamp($2), updated_at = to_timestamp($2), last_error_message = $5,
       last_successful_sync = CASE WHEN $5::text IS NULL THEN to_timestamp($2) ELSE last_successful_sync END,
       last_failed_sync = CASE WHEN $5::text IS NULL THEN last_failed_sync ELSE to_timestamp($2) END,
       failed_rising = $3 > coalesce(failed_events_count, 0), failed_events_count = $3,
       total_downloaded_events = least(coalesce(total_downloaded_events, 0)::bigint + $4, 2147483647),
       counted_to = to_timestamp($2) - make_interval(secs => $6)
     WHERE id = $1`,
    [due.id, nowMs / 1000, Math.min(failed, 2_147_483_647), downloaded, error, settledSeconds],
  );
}

const SITES = `site AS (SELECT * FROM sites WHERE enterprise_id = $1 AND host = $2 AND revoked_at IS NULL)`;

/** Below what the agent still has to send by itself; nothing of an older outbox that it went on from long ago. */
const HOLES = `hole AS (
  SELECT st.id AS stream_id, st.site_id, st.created_at, lower(h) AS lo, upper(h) AS next
  FROM site JOIN streams st ON st.site_id = site.id AND st.kind = 'outbox'
  CROSS JOIN LATERAL (SELECT CASE WHEN st.last_batch_at < site.last_seen - interval '${idleSeconds} seconds'
      AND EXISTS (SELECT FROM streams n WHERE n.site_id = site.id AND n.kind = 'outbox' AND n.id > st.id)
    THEN st.highest_seq + 1 ELSE coalesce(st.oldest_unacked, st.highest_seq + 1) END AS before) b
  CROSS JOIN LATERAL unnest(int8multirange(int8range(1, b.before)) - st.received - st.filled) h
  WHERE b.before > 1)`;

const FACTS = `
WITH ${SITES}, ${HOLES}
SELECT (SELECT extract(epoch FROM to_timestamp($3) - max(last_seen))::float8 FROM site) AS "silentSeconds",
  (SELECT string_agg(coalesce(problem, 'AMI ' || ami), '; ' ORDER BY id) FROM site WHERE ami <> 'connected') AS deaf,
  (SELECT coalesce(sum(next - lo), 0)::float8 FROM hole) AS missing,
  (SELECT coalesce(sum(count), 0)::float8 FROM gaps WHERE site_id IN (SELECT id FROM site) AND repaired_at IS NULL) AS lost,
  (SELECT count(*)::float8 FROM ami_events a WHERE a.site_id IN (SELECT id FROM site) AND a.origin <> 'live'
     AND a.received_at >= coalesce((SELECT counted_to FROM download_sync WHERE id = $4), '-infinity')
     AND a.received_at < to_timestamp($3) - make_interval(secs => $5)) AS downloaded`;

/** One window a site around all its holes, unless one is under way. */
const ASK_FOR_HOLES = `
WITH ${SITES}, ${HOLES}, span AS (
  SELECT site_id, least(min(t.a), min(t.b)) AS a, greatest(max(t.a), max(t.b)) AS b
  FROM (SELECT * FROM hole ORDER BY lo LIMIT $4) h CROSS JOIN LATERAL (SELECT
    coalesce((SELECT captured_at FROM ami_events e WHERE e.stream_id = h.stream_id AND e.seq = h.lo - 1), h.created_at) AS a,
    coalesce((SELECT captured_at FROM ami_events e WHERE e.stream_id = h.stream_id AND e.seq = h.next), to_timestamp($3)) AS b) t
  GROUP BY site_id)
INSERT INTO downloads (site_id, from_time, to_time, asked_by)
SELECT site_id, a, greatest(b, a + interval '1 millisecond'), 'sync' FROM span
WHERE NOT EXISTS (SELECT FROM downloads d WHERE d.site_id = span.site_id AND d.asked_by = 'sync' AND d.done_at IS NULL)
ON CONFLICT (site_id, from_time, to_time) WHERE done_at IS NULL DO NOTHING`;

/**
 * Each gap once. After a database was put back the agent's words come again that a gap was repaired from Asterisk's own files, but
 * what was read then does not: it is asked for. `-infinity`: not repaired in the copy that was put back.
 */
const ASK_FOR_GAPS = `
WITH ${SITES}, due AS (
  UPDATE gaps SET asked_at = to_timestamp($3) WHERE id IN (
    SELECT g.id FROM gaps g JOIN site ON site.id = g.site_id WHERE g.to_time IS NOT NULL
      AND (g.asked_at = '-infinity' OR (g.asked_at IS NULL AND (g.repaired_at IS NULL OR (g.repaired_by <> 'received'
        AND g.noted_at BETWEEN site.put_back_at AND site.put_back_at + interval '${putBackMinutes} minutes'))))
    ORDER BY g.from_time DESC LIMIT $4)
  RETURNING site_id, from_time, to_time)
INSERT INTO downloads (site_id, from_time, to_time, asked_by)
SELECT DISTINCT site_id, from_time, greatest(to_time, from_time + interval '1 millisecond'), 'sync' FROM due
ON CONFLICT (site_id, from_time, to_time) WHERE done_at IS NULL DO NOTHING`;
