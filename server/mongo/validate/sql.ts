import type { ClientBase } from "pg";

/** One line of the comparison; the two sides are equal when all adds up. */
export interface Tally {
  name: string;
  expected: number;
  found: number;
}

const CALLS = `(SELECT DISTINCT ON (call_id) * FROM mongo_expected WHERE NOT linked ORDER BY call_id)`;
const MONTH = (column: string): string => `coalesce(to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM'), 'no time')`;

const SIDES = `
  SELECT 'expected' AS side, e.enterprise_id, e.call_type, e.call_status, ${MONTH("e.start_time")} AS month,
    e.duration, e.participants, e.steps
  FROM ${CALLS} e
  UNION ALL
  SELECT 'found', c.enterprise_id, c.call_type, c.call_status, ${MONTH("c.start_time")}, c.duration,
    (SELECT count(*) FROM call_participants p WHERE p.call_id = c.id),
    (SELECT count(*) FROM call_events v WHERE v.call_id = c.id)
  FROM ${CALLS} e JOIN calls c ON c.id = e.call_id WHERE c.data_source = 'migrated'`;

/** Both sides by enterprise, type, status and month, and in all: calls, seconds, participants, steps. */
export async function tallies(client: ClientBase): Promise<{ totals: Tally[]; breakdown: Tally[] }> {
  await client.query(`CREATE TEMP TABLE mongo_sides AS ${SIDES}`);
  const totals = await client.query<Tally>(`
    SELECT name, coalesce(max(n) FILTER (WHERE side = 'expected'), 0)::float8 AS expected,
      coalesce(max(n) FILTER (WHERE side = 'found'), 0)::float8 AS found
    FROM (SELECT side, count(*) AS calls, sum(duration) AS seconds, sum(participants) AS participants, sum(steps) AS steps
          FROM mongo_sides GROUP BY side) s,
      LATERAL (VALUES ('calls', calls), ('seconds', seconds), ('participants', participants), ('steps', steps)) v (name, n)
    GROUP BY name ORDER BY name`);
  const breakdown = await client.query<Tally>(`
    SELECT dimension || ' ' || value AS name, count(*) FILTER (WHERE side = 'expected')::float8 AS expected,
      count(*) FILTER (WHERE side = 'found')::float8 AS found
    FROM mongo_sides, LATERAL (VALUES ('enterprise', enterprise_id), ('type', call_type), ('status', call_status),
      ('month', month)) v (dimension, value)
    GROUP BY dimension, value ORDER BY dimension, value`);
  await client.query("DROP TABLE mongo_sides");
  return { totals: totals.rows, breakdown: breakdown.rows };
}

/** Things that must not be; each counts rows, 0 when all is well. */
const WRONGS: readonly (readonly [name: string, sql: string])[] = [
  [
    "participants without a call",
    "SELECT count(*) FROM call_participants p WHERE NOT EXISTS (SELECT FROM calls c WHERE c.id = p.call_id)",
  ],
  [
    "migrated steps without a call",
    `SELECT count(*) FROM call_events e WHERE e.data_source = 'migrated'
       AND NOT EXISTS (SELECT FROM calls c WHERE c.id = e.call_id AND c.unique_id = e.unique_id)`,
  ],
  [
    "migrated calls without documents",
    `SELECT count(*) FROM calls WHERE data_source = 'migrated' AND (raw_data IS NULL OR jsonb_array_length(raw_data) = 0)`,
  ],
  ["migrated calls without mongo_id", "SELECT count(*) FROM calls WHERE data_source = 'migrated' AND mongo_id IS NULL"],
  [
    "linked calls without mongo_id",
    "SELECT count(*) FROM calls c WHERE mongo_id IS NULL AND id IN (SELECT call_id FROM mongo_expected WHERE linked)",
  ],
  [
    "migrated calls of nobody",
    `SELECT count(*) FROM calls c WHERE data_source = 'migrated'
       AND NOT EXISTS (SELECT FROM enterprises e WHERE e.id = c.enterprise_id)`,
  ],
  [
    "migrated steps that want to be sent",
    `SELECT count(*) FROM call_events WHERE data_source = 'migrated'
       AND (needs_telegram OR needs_integration OR NOT processed)`,
  ],
  [
    "migrated calls with two hangups",
    `SELECT count(*) FROM (SELECT FROM call_events WHERE data_source = 'migrated' AND event_type = 'hangup'
       GROUP BY call_id HAVING count(*) > 1) d`,
  ],
];

export async function wrongs(client: ClientBase): Promise<Tally[]> {
  const out: Tally[] = [];
  for (const [name, sql] of WRONGS) {
    const { rows } = await client.query<{ count: string }>(sql);
    out.push({ name, expected: 0, found: Number(rows[0]?.count ?? 0) });
  }
  return out;
}

/** The test queries of the schema's own page, word for word but for line breaks. */
const QUERIES: readonly (readonly [name: string, sql: string])[] = [
  ["calls by source", "SELECT data_source, COUNT(*) FROM calls GROUP BY data_source"],
  [
    "who often loses the connection",
    `SELECT enterprise_id, COUNT(*) as downloaded_events FROM calls WHERE data_source = 'downloaded'
     GROUP BY enterprise_id ORDER BY downloaded_events DESC`,
  ],
  [
    "who answers most",
    `SELECT extension, COUNT(*) as answered_calls FROM call_participants WHERE participant_status = 'answered'
     GROUP BY extension ORDER BY answered_calls DESC`,
  ],
  [
    "average speed of answer",
    `SELECT extension, AVG(ring_duration) as avg_ring_time FROM call_participants WHERE participant_status = 'answered'
     GROUP BY extension`,
  ],
  ["unprocessed steps", "SELECT COUNT(*) FROM call_events WHERE processed = FALSE"],
  [
    "not sent to Telegram",
    `SELECT event_type, COUNT(*) FROM call_events WHERE needs_telegram = TRUE AND telegram_sent = FALSE
     GROUP BY event_type`,
  ],
];

export interface QueryRun {
  name: string;
  rows: number;
  ms: number;
  failure: string | null;
}

export async function runQueries(client: ClientBase, clock: () => number): Promise<QueryRun[]> {
  const out: QueryRun[] = [];
  for (const [name, sql] of QUERIES) {
    const begun = clock();
    try {
      const { rowCount } = await client.query(sql);
      out.push({ name, rows: rowCount ?? 0, ms: Math.round(clock() - begun), failure: null });
    } catch (error) {
      out.push({ name, rows: 0, ms: Math.round(clock() - begun), failure: String(error) });
    }
  }
  return out;
}
