import type { Pool } from "pg";

/** The rows an import makes, without what is of the moment: row ids, times of receipt. Calls in the order of unique_id. */
export async function importedTables(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query(`
    SELECT to_jsonb(c) - 'id' - 'timestamp' - 'received_timestamp' - 'created_at' - 'changed_at' - 'revision' AS call,
      (SELECT jsonb_agg(to_jsonb(p) - 'id' - 'call_id' - 'created_at' ORDER BY p.ring_order)
        FROM call_participants p WHERE p.call_id = c.id) AS participants,
      (SELECT jsonb_agg(to_jsonb(e) - 'id' - 'call_id' - 'received_timestamp' - 'created_at' ORDER BY e.event_sequence)
        FROM call_events e WHERE e.call_id = c.id) AS steps
    FROM calls c ORDER BY c.unique_id`);
  const rejects = await pool.query("SELECT key, reason, detail, document, raw FROM mongo_rejects ORDER BY key");
  return [rows, rejects.rows];
}

export interface EnterpriseSeed {
  id: string;
  token: string;
  timezone: string;
}

export async function addEnterprises(pool: Pool, enterprises: readonly EnterpriseSeed[]): Promise<void> {
  for (const { id, token, timezone } of enterprises) {
    await pool.query("INSERT INTO enterprises (id, name, token, timezone) VALUES ($1, $1, $2, $3)", [
      id,
      token,
      timezone,
    ]);
  }
}
