import type { ClientBase } from "pg";

export interface ReceivedRow {
  streamId: number;
  /** int8multirange as text: seqs this transaction stores. */
  add: string;
  /** int8multirange as text: seqs that recorded gaps say will never come. */
  fill: string;
  highestSeq: number;
  oldestUnacked: number | null;
  /** Null: nothing was said about the stream itself. */
  waiting: number | null;
}

/**
 * Last statement of the transaction: notes the seqs as committed, unless another writer has some of them already.
 * Returns how many streams were noted; fewer than given: roll back, subtract, repeat.
 */
export async function addReceived(client: ClientBase, rows: ReceivedRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const { rowCount } = await client.query({
    name: "add_received",
    text: `WITH r AS (
             SELECT * FROM json_to_recordset($1) AS r ("streamId" bigint, add int8multirange, fill int8multirange,
               "highestSeq" bigint, "oldestUnacked" bigint, waiting bigint)
           ), locked AS (
             SELECT id FROM streams WHERE id IN (SELECT "streamId" FROM r) ORDER BY id FOR NO KEY UPDATE
           )
           UPDATE streams s SET received = received + add, filled = filled + fill,
             highest_seq = greatest(highest_seq, "highestSeq"), 
             oldest_unacked = CASE WHEN r.waiting IS NULL THEN oldest_unacked ELSE "oldestUnacked" END,
             waiting = coalesce(r.waiting, s.waiting),
             last_batch_at = clock_timestamp()
           FROM r JOIN locked ON locked.id = r."streamId"
           WHERE s.id = r."streamId" AND NOT s.received && r.add`,
    values: [JSON.stringify(rows)],
  });
  return rowCount ?? 0;
}
