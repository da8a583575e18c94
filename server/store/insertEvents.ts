import type { ClientBase } from "pg";
import { byteaArray, int4Array, int8Array, jsonbArray, textArray, timeArray } from "./arrays.ts";
import { together } from "./transaction.ts";

/** A row of ami_events; times in epoch ms. */
export interface EventRow {
  streamId: number;
  seq: number;
  siteId: number;
  at: number;
  mono: number;
  origin: string;
  event: string;
  linkedid: string | null;
  digest: Uint8Array;
  /** JSON text that jsonb takes. */
  body: string;
}

/** Rows in one statement: PostgreSQL begins with the first of them while the next are made ready. */
const ROWS_MAX = 256;

/** Stores events. An INSERT of arrays costs what a COPY does, and unlike it lets other statements follow at once. */
export async function insertEvents(client: ClientBase, receivedAtMs: number, rows: readonly EventRow[]): Promise<void> {
  const starts = Array.from({ length: Math.ceil(rows.length / ROWS_MAX) }, (_, index) => index * ROWS_MAX);
  await together(starts.map((start) => insert(client, receivedAtMs, rows.slice(start, start + ROWS_MAX))));
}

async function insert(client: ClientBase, receivedAtMs: number, rows: readonly EventRow[]): Promise<void> {
  await client.query({
    name: "insert_events",
    text: `INSERT INTO ami_events
             (received_at, stream_id, seq, site_id, captured_at, mono, origin, event, linkedid, digest, body)
           SELECT $1::timestamptz, * FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::timestamptz[], $6::bigint[],
             $7::text[], $8::text[], $9::text[], $10::bytea[], $11::jsonb[])`,
    values: [
      new Date(receivedAtMs),
      int8Array(rows.map((row) => row.streamId)),
      int8Array(rows.map((row) => row.seq)),
      int4Array(rows.map((row) => row.siteId)),
      timeArray(rows.map((row) => row.at)),
      int8Array(rows.map((row) => row.mono)),
      textArray(rows.map((row) => row.origin)),
      textArray(rows.map((row) => row.event)),
      textArray(rows.map((row) => row.linkedid)),
      byteaArray(rows.map((row) => row.digest)),
      jsonbArray(rows.map((row) => row.body)),
    ],
  });
}
