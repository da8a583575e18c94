import type { ClientBase } from "pg";
import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Origin } from "../../shared/wire.ts";

/** An event about the whole site. `folds`: it may close calls. `body` is JSON text that jsonb takes. */
export interface MarkerRow {
  siteId: number;
  streamId: number;
  seq: number;
  at: number;
  origin: Origin;
  event: string;
  folds: boolean;
  body: string;
}

export interface StoredMarker {
  siteId: number;
  stream: number;
  seq: number;
  at: number;
  origin: Origin;
  ev: AmiEvent;
}

export async function insertMarkers(client: ClientBase, rows: MarkerRow[]): Promise<void> {
  await client.query({
    name: "insert_markers",
    text: `INSERT INTO site_markers (site_id, stream_id, seq, captured_at, origin, event, folds, body)
           SELECT "siteId", "streamId", seq, to_timestamp(at / 1000), origin, event, folds, body::jsonb
           FROM json_to_recordset($1) AS r ("siteId" int, "streamId" bigint, seq bigint, at float8, origin text,
                                            event text, folds bool, body text)`,
    values: [JSON.stringify(rows)],
  });
}

/** The markers that may close calls of each site, after the given place of it. The lists go together by index. */
export async function readFoldingMarkers(
  client: ClientBase,
  siteIds: number[],
  streams: number[],
  seqs: number[],
): Promise<StoredMarker[]> {
  const { rows } = await client.query<StoredMarker>({
    name: "read_folding_markers",
    text: `SELECT m.site_id AS "siteId", m.stream_id::float8 AS stream, m.seq::float8 AS seq,
                  (extract(epoch FROM m.captured_at) * 1000)::float8 AS at, m.origin, m.body AS ev
           FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS p (site_id, stream_id, seq)
           JOIN site_markers m ON m.site_id = p.site_id AND (m.stream_id, m.seq) > (p.stream_id, p.seq)
           WHERE m.folds ORDER BY m.site_id, m.stream_id, m.seq`,
    values: [siteIds, streams, seqs],
  });
  return rows;
}
