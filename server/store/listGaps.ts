import type { Pool } from "pg";
import type { ScopeMoment } from "./findRebuildable.ts";
import { momentSql, momentValues } from "./scopeMoment.ts";

/** A time a site was blind. Names are those of the JSON that `gaps --json` prints. */
export interface ListedGap {
  id: number;
  site: number;
  site_name: string;
  enterprise_id: string;
  timezone: string;
  cause: string;
  detail: string | null;
  from_time: Date;
  /** Null: still blind. */
  to_time: Date | null;
  /** Events lost, when it is known. */
  count: number | null;
  repaired_by: string | null;
  repaired_at: Date | null;
}

/** Gaps that lie at least partly in the span; `to` not included. */
export interface GapScope {
  site?: number | undefined;
  from?: ScopeMoment | undefined;
  to?: ScopeMoment | undefined;
  unrepairedOnly?: boolean;
}

const rowsMax = 10_000;

/** The newest gaps in the span, oldest of them first. */
export async function listGaps(pool: Pool, { site, from, to, unrepairedOnly = false }: GapScope): Promise<ListedGap[]> {
  const { rows } = await pool.query<ListedGap>(SQL, [
    site ?? null,
    ...momentValues(from),
    ...momentValues(to),
    unrepairedOnly,
    rowsMax,
  ]);
  return rows.reverse();
}

const SQL = `
SELECT g.id::float8 AS id, g.site_id AS site, s.name AS site_name, s.enterprise_id, e.timezone, g.cause, g.detail, g.from_time,
       g.to_time, g.count::float8 AS count, g.repaired_by, g.repaired_at
FROM gaps g JOIN sites s ON s.id = g.site_id JOIN enterprises e ON e.id = s.enterprise_id
WHERE ($1::int IS NULL OR g.site_id = $1)
  AND coalesce(g.to_time, 'infinity') >= coalesce(${momentSql("$2", "$3")}, '-infinity')
  AND g.from_time < coalesce(${momentSql("$4", "$5")}, 'infinity')
  AND (NOT $6::bool OR g.repaired_at IS NULL)
ORDER BY g.from_time DESC, g.id DESC LIMIT $7`;
