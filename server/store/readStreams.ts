import type { ClientBase } from "pg";
import type { Repairing } from "./repairing.ts";

/** `file`: one of Asterisk's own files. Most of its seqs name nothing, so it has no holes. */
export type StreamKind = "outbox" | "file";

export interface StreamRow {
  id: number;
  uuid: string;
  /** When this PostgreSQL began to run: whoever puts a database back to an older copy starts it anew. */
  databaseStarted: string;
  siteId: number;
  kind: StreamKind;
  /** int8multirange as text: seqs committed. */
  received: string;
  /** int8multirange as text: seqs that recorded gaps say will never come. */
  filled: string;
  /** int8multirange as text: acked before the database was put back to an older copy. */
  ackedBefore: string;
  /** Highest seq the agent said the stream has. */
  highestSeq: number;
  /** When the site's database was last found put back to an older copy, epoch ms. */
  putBackAt: number | null;
  /** Blindness of which Asterisk's own files are being read. */
  repairing: Repairing[];
}

/** All streams of the sites, without any lock. */
export async function readStreams(client: ClientBase, siteIds: number[]): Promise<StreamRow[]> {
  const { rows } = await client.query<StreamRow & { id: string }>({
    name: "read_streams",
    text: `SELECT id, uuid::text, pg_postmaster_start_time()::text AS "databaseStarted", site_id AS "siteId", kind, received::text, filled::text, acked_before::text AS "ackedBefore",
             highest_seq::float8 AS "highestSeq", repairing,
             (SELECT extract(epoch FROM put_back_at) * 1000 FROM sites WHERE id = site_id)::float8 AS "putBackAt" FROM streams WHERE site_id = ANY($1::int[])`,
    values: [siteIds],
  });
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}
