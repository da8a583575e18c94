import type { Pool } from "pg";
import type { WindowReport } from "../../shared/wire.ts";
import type { ScopeMoment } from "./findRebuildable.ts";
import { momentSql, momentValues } from "./scopeMoment.ts";

/** A window to be handed to an agent; epoch ms. */
export interface HandedWindow {
  id: string;
  from: number;
  to: number;
}

/** An agent that has not told of a window this long after it was handed over has forgotten it: it was restarted. */
const handAgainSeconds = 10;
const handedAtOnceMax = 5;

/** What an agent calls a window: ids alone begin again in a database that was put back to an older copy. */
const WINDOW_NAME = "concat(d.id, '-', (extract(epoch FROM d.asked_at) * 1000000)::bigint)";

/**
 * Notes what the agent of a site tells of its windows, and takes those it is to be handed now. `reports` undefined: an
 * agent too old to tell; each window is handed to it once.
 */
export async function exchangeDownloads(
  pool: Pool,
  siteId: number,
  reports: readonly WindowReport[] | undefined,
): Promise<HandedWindow[]> {
  const { rows } = await pool.query<HandedWindow>({
    name: "exchange_downloads",
    text: `WITH told AS (
             SELECT * FROM json_to_recordset($2) AS r (id text, total bigint, "left" bigint, retained_from float8)
           ), noted AS (
             UPDATE downloads d SET total = told.total, remaining = told."left", taken_at = coalesce(taken_at, clock_timestamp()),
               retained_from = to_timestamp(told.retained_from / 1000),
               done_at = CASE WHEN told."left" = 0 THEN clock_timestamp() END
             FROM told WHERE d.site_id = $1 AND ${WINDOW_NAME} = told.id AND d.done_at IS NULL
           ), due AS (
             SELECT id FROM downloads d
             WHERE site_id = $1 AND done_at IS NULL AND ${WINDOW_NAME} NOT IN (SELECT told.id FROM told)
               AND (handed_at IS NULL OR ($3::bool AND handed_at < clock_timestamp() - make_interval(secs => $4)))
             ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED
           )
           UPDATE downloads d SET handed_at = clock_timestamp() FROM due WHERE d.id = due.id
           RETURNING ${WINDOW_NAME} AS id, (extract(epoch FROM from_time) * 1000)::float8 AS "from",
             (extract(epoch FROM to_time) * 1000)::float8 AS "to"`,
    values: [siteId, JSON.stringify(reports ?? []), reports !== undefined, handAgainSeconds, handedAtOnceMax],
  });
  return rows.map(({ id, from, to }) => ({ id, from: Math.max(0, Math.floor(from)), to: Math.max(0, Math.ceil(to)) }));
}

/** A window as `download --json` prints it. */
export interface Download {
  id: number;
  site: number;
  timezone: string;
  from_time: Date;
  to_time: Date;
  asked_at: Date;
  handed_at: Date | null;
  /** Null until the agent tells of it. */
  total: number | null;
  remaining: number | null;
  done_at: Date | null;
  /** When the oldest event the agent still had was captured; null: it had none, or did not tell. */
  retained_from: Date | null;
  /** When the site's agent was last heard. */
  last_seen: Date | null;
  /** Events of the window that came since it was asked for and had not been here. */
  new_events: number;
}

/** Asks for a window; one that is already asked for and not done is joined. Undefined without such a site that is not revoked. */
export async function askDownload(
  pool: Pool,
  ask: { site: number; from: ScopeMoment; to: ScopeMoment; askedBy: "operator" | "sync" },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ id: number }>(
    `INSERT INTO downloads (site_id, from_time, to_time, asked_by)
     SELECT s.id, ${momentSql("$2", "$3")}, ${momentSql("$4", "$5")}, $6
     FROM sites s JOIN enterprises e ON e.id = s.enterprise_id WHERE s.id = $1 AND s.revoked_at IS NULL
     ON CONFLICT (site_id, from_time, to_time) WHERE done_at IS NULL DO UPDATE SET asked_by = downloads.asked_by
     RETURNING id::float8 AS id`,
    [ask.site, ...momentValues(ask.from), ...momentValues(ask.to), ask.askedBy],
  );
  return rows[0]?.id;
}

export async function readDownload(pool: Pool, id: number): Promise<Download | undefined> {
  const { rows } = await pool.query<Download>(
    `SELECT d.id::float8 AS id, d.site_id AS site, e.timezone, d.from_time, d.to_time, d.asked_at, d.handed_at,
       d.total::float8 AS total, d.remaining::float8 AS remaining, d.done_at, d.retained_from,
       s.last_seen,
       (SELECT count(*)::float8 FROM ami_events a WHERE a.site_id = d.site_id AND a.received_at >= d.asked_at
          AND a.captured_at >= d.from_time AND a.captured_at < d.to_time AND a.origin <> 'live') AS new_events
     FROM downloads d JOIN sites s ON s.id = d.site_id JOIN enterprises e ON e.id = s.enterprise_id WHERE d.id = $1`,
    [id],
  );
  return rows[0];
}
