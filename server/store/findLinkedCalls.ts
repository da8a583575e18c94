import type { ClientBase } from "pg";

export interface Link {
  siteId: number;
  linkedid: string;
  /** Null: events named the id, but nothing has shown a channel yet. */
  callId: number | null;
}

/** Of the sites $1 and their ids $2, which go together by index. */
export const LINKED = `SELECT site_id AS "siteId", linkedid, call_id::float8 AS "callId"
  FROM unnest($1::int[], $2::text[]) AS k (site_id, linkedid) JOIN call_links USING (site_id, linkedid)`;

/** The calls that channel ids belong to; ids nobody knows yet are absent. The two lists go together by index. */
export async function findLinkedCalls(client: ClientBase, siteIds: number[], linkedids: string[]): Promise<Link[]> {
  const { rows } = await client.query<Link>({
    name: "find_linked_calls",
    text: LINKED,
    values: [siteIds, linkedids],
  });
  return rows;
}

/**
 * Adds links, or gives those that wait their call, in one order everywhere; returns how many changed.
 * Fewer than given: another writer was first.
 */
export async function insertLinks(client: ClientBase, links: Link[]): Promise<number> {
  if (links.length === 0) return 0;
  const { rowCount } = await client.query({
    name: "insert_links",
    text: `INSERT INTO call_links (site_id, linkedid, call_id)
           SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[]) AS l (site_id, linkedid, call_id)
           ORDER BY site_id, linkedid
           ON CONFLICT (site_id, linkedid) DO UPDATE SET call_id = excluded.call_id WHERE call_links.call_id IS NULL`,
    values: [links.map((l) => l.siteId), links.map((l) => l.linkedid), links.map((l) => l.callId)],
  });
  return rowCount ?? 0;
}
