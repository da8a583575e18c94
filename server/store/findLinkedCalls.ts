import type { ClientBase } from "pg";

export interface Link {
  siteId: number;
  linkedid: string;
  callId: number;
}

/** The calls that channel ids belong to; ids nobody knows yet are absent. The two lists go together by index. */
export async function findLinkedCalls(client: ClientBase, siteIds: number[], linkedids: string[]): Promise<Link[]> {
  const { rows } = await client.query<Link & { callId: string }>({
    name: "find_linked_calls",
    text: `SELECT site_id AS "siteId", linkedid, call_id AS "callId"
           FROM unnest($1::int[], $2::text[]) AS k (site_id, linkedid) JOIN call_links USING (site_id, linkedid)`,
    values: [siteIds, linkedids],
  });
  return rows.map((row) => ({ ...row, callId: Number(row.callId) }));
}

/** Adds links in one order everywhere; returns how many were new. Fewer than given: another writer was first. */
export async function insertLinks(client: ClientBase, links: Link[]): Promise<number> {
  if (links.length === 0) return 0;
  const { rowCount } = await client.query({
    name: "insert_links",
    text: `INSERT INTO call_links (site_id, linkedid, call_id)
           SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[]) AS l (site_id, linkedid, call_id)
           ORDER BY site_id, linkedid ON CONFLICT DO NOTHING`,
    values: [links.map((l) => l.siteId), links.map((l) => l.linkedid), links.map((l) => l.callId)],
  });
  return rowCount ?? 0;
}
