import type { Pool } from "pg";
import type { DataSource } from "../../shared/call.ts";

export interface SiteStatus {
  site: number;
  enterprise_id: string;
  enterprise: string;
  timezone: string;
  name: string;
  host: string;
  /** When its agent was last heard; null: never. */
  last_seen: Date | null;
  agent_version: string | null;
  /** connected, connecting, refused, lost; null before the first report. */
  ami: string | null;
  asterisk_version: string | null;
  /** The agent's own words. */
  problem: string | null;
  outbox_bytes: number | null;
  clock_skew_ms: number | null;
  backlog: Backlog;
  /** Calls that began today, in the enterprise's time zone. */
  calls_today: Record<DataSource, number>;
  calls_running: number;
  /** Events of the last 24 hours that came under a stream and seq that others had already. */
  conflicts: number;
}

export interface Backlog {
  /** Events the agent holds that are not acked yet. */
  waiting: number;
  /** Lowest seq not yet acked; null when all is. */
  oldest_seq: number | null;
  /** Events below the highest received that have not come: what is being waited for. */
  missing: number;
}

/** Streams of one site that reported within this time of its newest are live ones; older outboxes were given up. */
const streamAliveSeconds = 60;

/** What every site that is not revoked is doing, by enterprise and id. */
export async function readStatus(pool: Pool): Promise<SiteStatus[]> {
  const { rows } = await pool.query<SiteStatus>(SQL, [streamAliveSeconds]);
  return rows;
}

const SQL = `
WITH backlog AS (
  -- Each stream of an outbox says what all of the outbox waits with.
  SELECT site_id, max(waiting)::float8 AS waiting, min(oldest_unacked)::float8 AS oldest_seq, sum(missing)::float8 AS missing
  FROM (
    SELECT *, max(last_batch_at) OVER (PARTITION BY site_id) AS newest,
           coalesce((SELECT max(upper(r)) - 1 - sum(upper(r) - lower(r)) FROM unnest(received + filled) r), 0) AS missing
    FROM streams WHERE kind = 'outbox') s
  WHERE last_batch_at >= newest - make_interval(secs => $1)
  GROUP BY site_id
), today AS (
  SELECT c.site_id, jsonb_object_agg(c.data_source, c.n) AS n
  FROM (SELECT s.id AS site_id, c.data_source, count(*) AS n
        FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
        JOIN calls c ON c.site_id = s.id AND c.start_time >= date_trunc('day', now(), e.timezone)
        GROUP BY s.id, c.data_source) c
  GROUP BY c.site_id
)
SELECT s.id AS site, s.enterprise_id, e.name AS enterprise, e.timezone, s.name, s.host, s.last_seen, s.agent_version, s.ami,
       s.asterisk_version, s.problem, s.outbox_bytes::float8 AS outbox_bytes, s.clock_skew_ms::float8 AS clock_skew_ms,
       jsonb_build_object('waiting', coalesce(b.waiting, 0), 'oldest_seq', b.oldest_seq, 'missing', coalesce(b.missing, 0)) AS backlog,
       '{"live": 0, "downloaded": 0, "migrated": 0}'::jsonb || coalesce(t.n, '{}') AS calls_today,
       (SELECT count(*)::int FROM calls c WHERE c.site_id = s.id AND c.state <> 'final') AS calls_running,
       (SELECT count(*)::int FROM rejected_events r WHERE r.site_id = s.id AND r.reason = 'conflict'
          AND r.received_at > now() - interval '24 hours') AS conflicts
FROM sites s
JOIN enterprises e ON e.id = s.enterprise_id
LEFT JOIN backlog b ON b.site_id = s.id
LEFT JOIN today t ON t.site_id = s.id
WHERE s.revoked_at IS NULL
ORDER BY s.enterprise_id, s.id`;
