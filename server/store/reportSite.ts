import type { Pool } from "pg";

/** What an agent said about itself, and how far its clock is from ours. */
export interface SiteReport {
  siteId: number;
  agentVersion: string;
  ami: string;
  asteriskVersion: string | null;
  problem: string | null;
  outboxBytes: number;
  clockSkewMs: number;
}

export async function reportSite(pool: Pool, report: SiteReport): Promise<void> {
  await pool.query({
    name: "report_site",
    text: `UPDATE sites SET last_seen = clock_timestamp(), agent_version = $2, ami = $3,
             asterisk_version = coalesce($4, asterisk_version), problem = $5, outbox_bytes = $6, clock_skew_ms = $7
           WHERE id = $1`,
    values: [
      report.siteId,
      report.agentVersion,
      report.ami,
      report.asteriskVersion,
      report.problem,
      report.outboxBytes,
      report.clockSkewMs,
    ],
  });
}

/** Whether the site's agent was heard since PostgreSQL began; true also where it never was. */
export async function isHeardSinceStart(pool: Pool, siteId: number): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "is_heard_since_start",
    text: "SELECT FROM sites WHERE id = $1 AND last_seen < pg_postmaster_start_time()",
    values: [siteId],
  });
  return rowCount === 0;
}

export interface StreamReportRow {
  streamId: number;
  uuid: string;
  highestSeq: number;
  oldestUnacked: number | null;
  waiting: number;
}

/** int8multiranges as text. */
export interface StreamStanding {
  received: string;
  /** Known never to come. */
  filled: string;
  ackedBefore: string;
}

/** Notes a heartbeat and returns how the stream stands; undefined when the stream is not there under this number (any more). */
export async function reportStream(pool: Pool, report: StreamReportRow): Promise<StreamStanding | undefined> {
  const { rows } = await pool.query<StreamStanding>({
    name: "report_stream",
    text: `UPDATE streams SET highest_seq = greatest(highest_seq, $2), oldest_unacked = $3, waiting = $4
           WHERE id = $1 AND uuid = $5 RETURNING received::text, filled::text, acked_before::text AS "ackedBefore"`,
    values: [report.streamId, report.highestSeq, report.oldestUnacked, report.waiting, report.uuid],
  });
  return rows[0];
}
