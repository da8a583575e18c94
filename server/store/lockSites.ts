import type { ClientBase } from "pg";

/** First key of the advisory locks on sites ("RP" in ASCII); the second is the site. */
const CLASS = 0x5250;

/**
 * Until the end of the transaction: writers of a site's events share its lock; one that brings a marker for all the
 * site's calls holds it alone, so it sees every call begun before and every later one sees the marker.
 */
export async function lockSites(client: ClientBase, sites: ReadonlyMap<number, "shared" | "alone">): Promise<void> {
  const ids = [...sites.keys()].sort((a, b) => a - b);
  await client.query({
    name: "lock_sites",
    text: `SELECT CASE WHEN alone THEN pg_advisory_xact_lock(${CLASS}, id) ELSE pg_advisory_xact_lock_shared(${CLASS}, id) END
           FROM unnest($1::int[], $2::bool[]) WITH ORDINALITY AS s (id, alone, place) ORDER BY place`,
    values: [ids, ids.map((id) => sites.get(id) === "alone")],
  });
}
