import type { Database } from "../stack/database.ts";

/** A numbered event as PostgreSQL holds it. */
export interface StoredEvent {
  number: number;
  origin: string;
  receivedAt: number;
  streamId: number;
  /** False: kept in rejected_events. */
  accepted: boolean;
}

export interface GapRow {
  id: number;
  streamId: number;
  cause: string;
  from: number;
  to: number | null;
  count: number | null;
}

export async function readStored(database: Database, siteId: number): Promise<StoredEvent[]> {
  const rows = await database.query<{ n: string; origin: string; at: string; stream: string; accepted: boolean }>(
    `SELECT body->>'OracleNumber' AS n, origin, extract(epoch FROM received_at) * 1000 AS at, stream_id AS stream, true AS accepted
     FROM ami_events WHERE site_id = $1 AND body ? 'OracleNumber'
     UNION ALL
     SELECT body->>'OracleNumber', origin, extract(epoch FROM received_at) * 1000, stream_id, false
     FROM rejected_events WHERE site_id = $1 AND body ? 'OracleNumber'`,
    [siteId],
  );
  return rows.map((row) => ({
    number: Number(row.n),
    origin: row.origin,
    receivedAt: Number(row.at),
    streamId: Number(row.stream),
    accepted: row.accepted,
  }));
}

export async function readGaps(database: Database, siteId: number): Promise<GapRow[]> {
  const rows = await database.query<Record<"id" | "stream_id" | "cause" | "from" | "to" | "count", string | null>>(
    `SELECT id, stream_id, cause, extract(epoch FROM from_time) * 1000 AS "from", extract(epoch FROM to_time) * 1000 AS "to", count
     FROM gaps WHERE site_id = $1 ORDER BY id`,
    [siteId],
  );
  return rows.map((row) => ({
    id: Number(row.id),
    streamId: Number(row.stream_id),
    cause: row.cause!,
    from: Number(row.from),
    to: row.to === null ? null : Number(row.to),
    count: row.count === null ? null : Number(row.count),
  }));
}
