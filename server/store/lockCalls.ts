import type { ClientBase } from "pg";

export type CallState = "running" | "ended" | "final";

/** What the writer needs to know of a call it holds the lock of. */
export interface LockedCall {
  id: number;
  siteId: number;
  linkedid: string;
  uniqueId: string;
  revision: number;
  state: CallState;
  /** Epoch ms. */
  receivedAt: number;
  firstStream: number;
  firstSeq: number;
}

/**
 * Locks calls, in one order everywhere: the given ones, and all running ones of the given sites.
 * A call that is gone (merged away meanwhile) is absent.
 */
export async function lockCalls(client: ClientBase, callIds: number[], runningOf: number[]): Promise<LockedCall[]> {
  if (callIds.length === 0 && runningOf.length === 0) return [];
  const { rows } = await client.query<LockedCall & { id: string; firstStream: string; firstSeq: string }>({
    name: "lock_calls",
    text: `SELECT id, site_id AS "siteId", linkedid, unique_id AS "uniqueId", revision, state,
                  (extract(epoch FROM received_timestamp) * 1000)::float8 AS "receivedAt",
                  first_stream AS "firstStream", first_seq AS "firstSeq"
           FROM calls
           WHERE id = ANY($1::bigint[]) OR (site_id = ANY($2::int[]) AND state <> 'final' AND state = 'running')
           ORDER BY site_id, linkedid FOR NO KEY UPDATE`,
    values: [callIds, runningOf],
  });
  return rows.map((row) => ({
    ...row,
    id: Number(row.id),
    firstStream: Number(row.firstStream),
    firstSeq: Number(row.firstSeq),
  }));
}
