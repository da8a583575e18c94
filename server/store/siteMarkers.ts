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
  /** Which of the places it is after: its number, from 1. */
  place: number;
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

/** A place in a site's history. Times in epoch ms. */
export interface MarkersWanted {
  siteId: number;
  first: { stream: number; seq: number };
  /** A marker of before is not wanted. */
  since: number;
  /** Nor a row of Asterisk's own files of before: these stand in no order with anything but by their times. */
  rowsSince: number;
}

/** The markers that may close calls, after each of the given places. */
export async function readFoldingMarkers(
  client: ClientBase,
  wanted: readonly MarkersWanted[],
): Promise<StoredMarker[]> {
  const { rows } = await client.query<StoredMarker>({
    name: "read_folding_markers",
    text: `SELECT p.place::float8 AS place, m.site_id AS "siteId", m.stream_id::float8 AS stream, m.seq::float8 AS seq,
                  (extract(epoch FROM m.captured_at) * 1000)::float8 AS at, m.origin, m.body AS ev
           FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[])
             WITH ORDINALITY AS p (site_id, stream_id, seq, since, rows_since, place)
           JOIN site_markers m ON m.site_id = p.site_id AND (m.stream_id, m.seq) > (p.stream_id, p.seq)
           WHERE m.folds AND m.captured_at >= to_timestamp(p.since / 1000)
             AND (m.origin <> 'recovered' OR m.captured_at >= to_timestamp(p.rows_since / 1000))
           ORDER BY p.place, m.stream_id, m.seq`,
    values: [
      wanted.map(({ siteId }) => siteId),
      wanted.map(({ first }) => first.stream),
      wanted.map(({ first }) => first.seq),
      wanted.map(({ since }) => since),
      wanted.map(({ rowsSince }) => rowsSince),
    ],
  });
  return rows;
}
