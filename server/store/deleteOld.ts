import type { Pool } from "pg";

/** Rows one statement deletes: nobody waits long behind it. */
const rowsMax = 2_000;

/** What is deleted row by row, and which rows `t` may go: $1 is the moment before which they are too old. */
const OLD = {
  downloads: "coalesce(done_at, asked_at) < $1",
  rejected_events: "received_at < $1",
  telegram_cards: "coalesce(sent_at, (SELECT c.created_at FROM calls c WHERE c.id = t.call_id)) < $1",
  // Kept: a site's first sign of life, what may still close a call, and what tells of gaps that may change.
  site_markers: `site_id = $2 AND captured_at < $1
    AND captured_at > (SELECT min(captured_at) FROM site_markers WHERE site_id = $2)
    AND NOT EXISTS (SELECT FROM calls c WHERE c.site_id = $2 AND c.state <> 'final'
                    AND (c.first_stream, c.first_seq) <= (t.stream_id, t.seq))
    AND NOT EXISTS (SELECT FROM gaps g WHERE (g.stream_id, g.marker_seq) = (t.stream_id, t.seq)
                    AND (g.to_time IS NULL OR g.repaired_at IS NULL))`,
} as const;

export type OldTable = keyof typeof OLD;

/** Tables that grow with every call: their oldest rows are those with the lowest ids, and no others are looked at. */
const BY_AGE: ReadonlySet<OldTable> = new Set(["telegram_cards"]);

/** Deletes rows that are too old, a few at a time. Returns how many. */
export async function deleteOld(pool: Pool, table: OldTable, before: Date, stopped: () => boolean): Promise<number> {
  const from = BY_AGE.has(table) ? `(SELECT ctid, * FROM ${table} ORDER BY id LIMIT ${rowsMax})` : table;
  const sql = `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT t.ctid FROM ${from} t WHERE ${OLD[table]} LIMIT ${rowsMax}))`;
  let deleted = 0;
  for (const values of await partsOf(pool, table, before)) {
    for (let rows = rowsMax; rows > 0 && !stopped(); deleted += rows) {
      rows = (await pool.query(sql, values)).rowCount ?? 0;
    }
  }
  return deleted;
}

/** How many rows would go. */
export async function countOld(pool: Pool, table: OldTable, before: Date): Promise<number> {
  let count = 0;
  for (const values of await partsOf(pool, table, before)) {
    const sql = `SELECT count(*)::float8 AS count FROM ${table} t WHERE ${OLD[table]}`;
    count += (await pool.query<{ count: number }>(sql, values)).rows[0]?.count ?? 0;
  }
  return count;
}

/** Values of the statements that a table takes: markers go site by site, by their key. */
async function partsOf(pool: Pool, table: OldTable, before: Date): Promise<unknown[][]> {
  if (table !== "site_markers") return [[before]];
  const { rows } = await pool.query<{ id: number }>("SELECT id FROM sites ORDER BY id");
  return rows.map(({ id }) => [before, id]);
}
