import type { ClientBase } from "pg";

export interface RejectedRow {
  siteId: number;
  streamId: number;
  seq: number;
  at: number;
  origin: string;
  reason: "undigestible" | "conflict";
  detail: string;
  /** 16 bytes as hex. */
  digest: string;
  /** JSON text that jsonb takes. */
  body: string;
}

/** Keeps events that could not be used; one that was kept before is left as it is. Returns how many are new. */
export async function insertRejected(client: ClientBase, rows: RejectedRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const { rowCount } = await client.query(
    `INSERT INTO rejected_events (site_id, stream_id, seq, captured_at, origin, reason, detail, digest, body)
     SELECT "siteId", "streamId", seq, to_timestamp(at / 1000), origin, reason, detail, decode(digest, 'hex'), body::jsonb
     FROM json_to_recordset($1) AS r ("siteId" int, "streamId" bigint, seq bigint, at float8, origin text, reason text,
       detail text, digest text, body text)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(rows)],
  );
  return rowCount ?? 0;
}

export interface Known {
  streamId: number;
  seq: number;
  digest: string;
  body: string;
}

/**
 * Of events that were received before, those whose stored content is another one. A digest that differs only because the
 * same JSON was spelled otherwise is no difference.
 */
export async function findConflicts(client: ClientBase, rows: Known[]): Promise<{ streamId: number; seq: number }[]> {
  if (rows.length === 0) return [];
  const found = await client.query<{ streamId: number; seq: number }>({
    name: "find_conflicts",
    text: `SELECT r."streamId"::float8 AS "streamId", r.seq::float8 AS seq
           FROM json_to_recordset($1) AS r ("streamId" bigint, seq bigint, digest text, body text)
           JOIN ami_events e ON e.stream_id = r."streamId" AND e.seq = r.seq
           WHERE e.digest <> decode(r.digest, 'hex') AND e.body <> r.body::jsonb`,
    values: [JSON.stringify(rows)],
  });
  return found.rows;
}
