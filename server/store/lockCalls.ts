import type { ClientBase } from "pg";
import { LINKED, type Link } from "./findLinkedCalls.ts";

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
  /** Epoch ms, by the PBX. */
  startTime: number;
  firstStream: number;
  firstSeq: number;
  /** It is not final, and yet its events are kept with it, for the log has been cleared since. */
  isKept: boolean;
}

const COLUMNS = `id::float8 AS id, site_id AS "siteId", linkedid, unique_id AS "uniqueId", revision, state,
  (extract(epoch FROM received_timestamp) * 1000)::float8 AS "receivedAt",
  (extract(epoch FROM start_time) * 1000)::float8 AS "startTime", first_stream::float8 AS "firstStream", first_seq::float8 AS "firstSeq",
  kept_at IS NOT NULL AS "isKept"`;

/** In one order everywhere. */
const LOCK = `ORDER BY site_id, linkedid FOR NO KEY UPDATE`;

/** Locks calls. One that is gone (merged away meanwhile) is absent. */
export async function lockCalls(client: ClientBase, callIds: number[]): Promise<LockedCall[]> {
  if (callIds.length === 0) return [];
  const { rows } = await client.query<LockedCall>({
    name: "lock_calls",
    text: `SELECT ${COLUMNS} FROM calls WHERE id = ANY($1::bigint[]) ${LOCK}`,
    values: [callIds],
  });
  return rows;
}

/** Which calls to lock beside those that ids lead to. */
export interface Wanted {
  callIds: number[];
  /** Sites whose running calls are all wanted. */
  runningOf: number[];
}

/**
 * Finds the calls that channel ids belong to, and locks them and the other wanted ones. A call that a link leads to may be
 * absent: merged away meanwhile. The ids and their sites go together by index; ids nobody knows yet are absent from `links`.
 */
export async function lockLinkedCalls(
  client: ClientBase,
  { siteIds, linkedids }: { siteIds: number[]; linkedids: string[] },
  { callIds, runningOf }: Wanted,
): Promise<{ links: Link[]; calls: LockedCall[] }> {
  const { rows } = await client.query<{ links: Link[] | null; calls: LockedCall[] | null }>({
    name: "lock_linked_calls",
    text: `WITH linked AS MATERIALIZED (${LINKED}),
             locked AS (
               SELECT ${COLUMNS} FROM calls
               WHERE id = ANY(ARRAY(SELECT "callId"::bigint FROM linked)) OR id = ANY($3::bigint[])
                 OR (site_id = ANY($4::int[]) AND state <> 'final' AND state = 'running')
               ${LOCK})
           SELECT (SELECT json_agg(linked) FROM linked) AS links, (SELECT json_agg(locked) FROM locked) AS calls`,
    values: [siteIds, linkedids, callIds, runningOf],
  });
  return { links: rows[0]?.links ?? [], calls: rows[0]?.calls ?? [] };
}
