import type { Pool } from "pg";

/** Calls of a site that waited for earlier events which are all in now (or are known never to come). */
export async function findReviewable(pool: Pool, siteId: number, callsMax: number): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>({
    name: "find_reviewable",
    text: `WITH have AS MATERIALIZED (SELECT id, CASE kind WHEN 'file' THEN '{[1,)}' ELSE received + filled END AS seqs FROM streams WHERE site_id = $1)
           SELECT c.id::float8 AS id FROM calls c
           WHERE c.site_id = $1 AND c.state <> 'final' AND c.incomplete AND NOT EXISTS (
             SELECT FROM jsonb_array_elements(c.proof) p LEFT JOIN have ON have.id = (p ->> 0)::bigint
             WHERE have.seqs @> int8range((p ->> 1)::bigint, (p ->> 2)::bigint, '[]') IS NOT TRUE)
           ORDER BY c.id LIMIT $2`,
    values: [siteId, callsMax],
  });
  return rows.map((row) => row.id);
}
