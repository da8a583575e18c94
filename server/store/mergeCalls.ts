import type { ClientBase } from "pg";

/** `gone` becomes part of `survivor`. */
export interface Merge {
  gone: number;
  survivor: number;
}

/** Re-points steps, links and deliveries of merged calls, then deletes their rows (and participants). Locks are held. */
export async function mergeCalls(client: ClientBase, merges: Merge[]): Promise<void> {
  if (merges.length === 0) return;
  const values = [merges.map((m) => m.gone), merges.map((m) => m.survivor)];
  for (const [table, also] of REPOINTED) {
    await client.query(
      `UPDATE ${table} t SET call_id = m.survivor ${also}
       FROM unnest($1::bigint[], $2::bigint[]) AS m (gone, survivor) JOIN calls s ON s.id = m.survivor
       WHERE t.call_id = m.gone`,
      values,
    );
  }
  await client.query("DELETE FROM calls WHERE id = ANY($1::bigint[])", [values[0]]);
}

const REPOINTED = [
  ["call_events", ", unique_id = s.unique_id"],
  ["call_links", ""],
  ["deliveries", ""],
] as const;
