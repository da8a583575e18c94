import type { Pool } from "pg";

/** A call somebody wants to look at, with what its enterprise says about extensions and trunks. */
export interface FoundCall {
  id: number;
  unique_id: string;
  site_id: number | null;
  first_received: number;
  timezone: string;
  extensions: string | null;
  trunks: string[];
}

/** Finds a call by calls.id, unique_id or any Linkedid it ever had; several sites may know the same one. */
export async function findCalls(pool: Pool, name: string): Promise<FoundCall[]> {
  const { rows } = await pool.query<FoundCall>(
    `SELECT c.id::float8 AS id, c.unique_id, c.site_id, e.timezone, e.extensions, e.trunks,
            (extract(epoch FROM c.received_timestamp) * 1000)::float8 AS first_received
     FROM calls c JOIN enterprises e ON e.id = c.enterprise_id
     WHERE c.unique_id = $1 OR c.id::text = $1
        OR c.id IN (SELECT call_id FROM call_links WHERE linkedid = $1)
     ORDER BY c.id LIMIT 100`,
    [name],
  );
  return rows;
}
