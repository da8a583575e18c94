import type { Pool } from "pg";
import type { ScopeMoment } from "./findRebuildable.ts";
import { SILENCE_SECONDS_MIN } from "./readCoverage.ts";
import { momentSql, momentValues } from "./scopeMoment.ts";

/** A time a site was blind. Names are those of the JSON that `gaps --json` prints. */
export interface ListedGap {
  /** Null: nobody told of it, it is what the server itself does not hear now. */
  id: number | null;
  site: number;
  site_name: string;
  enterprise_id: string;
  timezone: string;
  /** Of GAP_CAUSES, or `unheard`: the agent is down or cannot reach the server, its events may still come. */
  cause: string;
  detail: string | null;
  from_time: Date;
  /** Null: still blind. */
  to_time: Date | null;
  /** Events lost, when it is known. */
  count: number | null;
  repaired_by: string | null;
  repaired_at: Date | null;
  /** When the site's agent was asked for what is missing; null: not yet. */
  asked_at: Date | null;
}

/** Gaps that lie at least partly in the span; `to` not included. */
export interface GapScope {
  site?: number | undefined;
  from?: ScopeMoment | undefined;
  to?: ScopeMoment | undefined;
  unrepairedOnly?: boolean;
}

const rowsMax = 10_000;

/** The newest gaps in the span, oldest of them first: those that were told, and sites nothing is heard from now. */
export async function listGaps(
  pool: Pool,
  { site, from, to, unrepairedOnly = false }: GapScope,
  nowMs: number,
): Promise<ListedGap[]> {
  const { rows } = await pool.query<ListedGap>(SQL, [
    site ?? null,
    ...momentValues(from),
    ...momentValues(to),
    unrepairedOnly,
    rowsMax,
    nowMs / 1000,
    SILENCE_SECONDS_MIN,
  ]);
  return rows.reverse();
}

/** An agent that said goodbye, or told that AMI is lost, has an open gap of its own already. */
const SQL = `
WITH blind AS (
  SELECT id, site_id, cause, detail, from_time, to_time, count, repaired_by, repaired_at, nullif(asked_at, '-infinity') AS asked_at FROM gaps
  UNION ALL
  SELECT NULL, s.id, CASE WHEN quiet THEN 'unheard' WHEN ami = 'refused' THEN 'rights_missing' ELSE 'ami_lost' END,
    CASE WHEN NOT quiet THEN problem END, CASE WHEN quiet THEN last_seen ELSE created_at END, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT *, last_seen < to_timestamp($8) - make_interval(secs => $9) AS quiet FROM sites WHERE revoked_at IS NULL) s
  WHERE (quiet OR (ami <> 'connected' AND NOT EXISTS (SELECT FROM site_markers m WHERE m.site_id = s.id)))
    AND NOT EXISTS (SELECT FROM gaps o WHERE o.site_id = s.id AND o.to_time IS NULL AND o.repaired_at IS NULL)
)
SELECT g.id::float8 AS id, g.site_id AS site, s.name AS site_name, s.enterprise_id, e.timezone, g.cause, g.detail, g.from_time,
       g.to_time, g.count::float8 AS count, g.repaired_by, g.repaired_at, g.asked_at
FROM blind g JOIN sites s ON s.id = g.site_id JOIN enterprises e ON e.id = s.enterprise_id
WHERE ($1::int IS NULL OR g.site_id = $1)
  AND coalesce(g.to_time, 'infinity') >= coalesce(${momentSql("$2", "$3")}, '-infinity')
  AND g.from_time < coalesce(${momentSql("$4", "$5")}, 'infinity')
  AND (NOT $6::bool OR g.repaired_at IS NULL)
ORDER BY g.from_time DESC, g.id DESC LIMIT $7`;
