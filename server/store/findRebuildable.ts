import type { Pool } from "pg";

/** A moment as text PostgreSQL reads. `local`: on the clock of each site's enterprise, else with a time zone of its own. */
export interface ScopeMoment {
  text: string;
  local: boolean;
}

/** Which calls to assemble again, by start_time; `to` not included. */
export interface RebuildScope {
  site?: number | undefined;
  from?: ScopeMoment | undefined;
  to?: ScopeMoment | undefined;
}

/** A call to assemble again. `startedAt` is start_time exactly as stored: it names the place in the order. */
export interface RebuildableCall {
  id: number;
  siteId: number;
  startedAt: string;
  events: number;
}

/** Clocks are at most 14 hours from UTC: bounds an index can use, around those that each enterprise's clock sets. */
const CLOCKS_APART = "interval '15 hours'";

function bound(comparison: ">=" | "<", text: string, local: string): string {
  const widen = comparison === "<" ? "+" : "-";
  return `(${text}::text IS NULL OR c.start_time ${comparison} CASE WHEN ${local} THEN ${text}::timestamp AT TIME ZONE e.timezone
      ELSE ${text}::timestamptz END)
    AND c.start_time ${comparison} CASE WHEN ${text}::text IS NULL THEN '${widen === "+" ? "infinity" : "-infinity"}'::timestamptz
      WHEN ${local} THEN (${text}::timestamp AT TIME ZONE 'UTC') ${widen} ${CLOCKS_APART} ELSE ${text}::timestamptz END`;
}

/** Calls that events made: what was brought over from the old system has none. */
const IN_SCOPE = `FROM calls c JOIN sites s ON s.id = c.site_id JOIN enterprises e ON e.id = s.enterprise_id
  WHERE c.linkedid IS NOT NULL AND c.data_source <> 'migrated' AND ($1::int IS NULL OR c.site_id = $1)
    AND ${bound(">=", "$2", "$3::bool")} AND ${bound("<", "$4", "$5::bool")}`;

/** The next calls by start and id, after the given one. */
export async function findRebuildable(
  pool: Pool,
  scope: RebuildScope,
  after: RebuildableCall | undefined,
  callsMax: number,
): Promise<RebuildableCall[]> {
  const { rows } = await pool.query<RebuildableCall>(
    `SELECT c.id::float8 AS id, c.site_id AS "siteId", c.start_time::text AS "startedAt", c.event_count AS events
     ${IN_SCOPE} AND (c.start_time, c.id) > ($6::timestamptz, $7::bigint)
     ORDER BY c.start_time, c.id LIMIT $8`,
    [...valuesOf(scope), after?.startedAt ?? "-infinity", after?.id ?? 0, callsMax],
  );
  return rows;
}

export async function countRebuildable(pool: Pool, scope: RebuildScope): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::float8 AS count ${IN_SCOPE}`, valuesOf(scope));
  return rows[0]?.count ?? 0;
}

function valuesOf({ site, from, to }: RebuildScope): unknown[] {
  return [site ?? null, from?.text ?? null, from?.local ?? false, to?.text ?? null, to?.local ?? false];
}
