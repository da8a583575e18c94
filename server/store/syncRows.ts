import type { Pool } from "pg";
import type { SyncScope } from "./syncChecks.ts";

/** A row of download_sync as `sync list --json` prints it. */
export interface SyncRow {
  enterprise_id: string;
  asterisk_host: string;
  timezone: string;
  sync_enabled: boolean;
  check_interval_minutes: number;
  last_check_timestamp: Date | null;
  last_successful_sync: Date | null;
  last_failed_sync: Date | null;
  total_downloaded_events: number;
  failed_events_count: number;
  /** It rose with the last check. */
  failed_rising: boolean;
  last_error_message: string | null;
}

/** Rows of PBXs that are not revoked. */
export async function listSyncRows(pool: Pool, scope: SyncScope = {}): Promise<SyncRow[]> {
  const { rows } = await pool.query<SyncRow>(
    `SELECT d.enterprise_id, d.asterisk_host, e.timezone, d.sync_enabled, d.check_interval_minutes, d.last_check_timestamp,
       d.last_successful_sync, d.last_failed_sync, d.total_downloaded_events, d.failed_events_count, d.failed_rising,
       d.last_error_message
     FROM download_sync d JOIN enterprises e ON e.id = d.enterprise_id
     WHERE ($1::text IS NULL OR d.enterprise_id = $1) AND ($2::text IS NULL OR d.asterisk_host = $2)
       AND EXISTS (SELECT FROM sites s WHERE s.enterprise_id = d.enterprise_id AND s.host = d.asterisk_host AND s.revoked_at IS NULL)
     ORDER BY d.enterprise_id, d.asterisk_host`,
    [scope.enterpriseId ?? null, scope.host ?? null],
  );
  return rows;
}

/** What is undefined stays. False when there is no such row. */
export async function setSyncRow(
  pool: Pool,
  row: { enterpriseId: string; host: string; intervalMinutes?: number | undefined; enabled?: boolean | undefined },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE download_sync SET check_interval_minutes = coalesce($3, check_interval_minutes),
       sync_enabled = coalesce($4, sync_enabled), updated_at = now()
     WHERE enterprise_id = $1 AND asterisk_host = $2`,
    [row.enterpriseId, row.host, row.intervalMinutes ?? null, row.enabled ?? null],
  );
  return rowCount === 1;
}
