import type { Pool } from "pg";
import type { CallStatus, CallType, DataSource, ParticipantStatus } from "../../shared/call.ts";

export interface ListedCall {
  id: number;
  unique_id: string;
  site: number;
  site_name: string;
  enterprise_id: string;
  timezone: string;
  call_type: CallType;
  /** null while the call runs or may still change. */
  call_status: CallStatus | null;
  /** running; ended: earlier events are still missing; final. */
  state: "running" | "ended" | "final";
  phone_number: string | null;
  trunk: string | null;
  main_extension: string | null;
  start_time: Date | null;
  end_time: Date | null;
  /** Seconds. */
  duration: number | null;
  data_source: DataSource;
  participants: ListedParticipant[];
  /** Goes up whenever the row is written. */
  revision: number;
}

export interface ListedParticipant {
  extension: string;
  status: ParticipantStatus;
  ring_order: number | null;
  ring_duration: number | null;
  disconnect_reason: string | null;
}

const COLUMNS = `
  c.id::float8 AS id, c.unique_id, c.site_id AS site, s.name AS site_name, c.enterprise_id, e.timezone, c.call_type, c.call_status,
  c.state, c.phone_number, c.trunk, c.main_extension, c.start_time, c.end_time, c.duration, c.data_source, c.revision,
  coalesce((SELECT jsonb_agg(jsonb_build_object('extension', p.extension, 'status', p.participant_status,
              'ring_order', p.ring_order, 'ring_duration', p.ring_duration, 'disconnect_reason', p.disconnect_reason)
              ORDER BY p.ring_order, p.id)
            FROM call_participants p WHERE p.call_id = c.id), '[]') AS participants`;
const TABLES = "calls c LEFT JOIN sites s ON s.id = c.site_id LEFT JOIN enterprises e ON e.id = c.enterprise_id";

/** The newest calls, oldest of them first, of one site or of all. */
export async function listCalls(
  pool: Pool,
  { last, site }: { last: number; site?: number | undefined },
): Promise<ListedCall[]> {
  const { rows } = await pool.query<ListedCall>(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE c.start_time IS NOT NULL AND ($2::int IS NULL OR c.site_id = $2)
     ORDER BY c.start_time DESC, c.id DESC LIMIT $1`,
    [last, site ?? null],
  );
  return rows.reverse();
}

/** So many of the newest rows are looked at again for a change, beside the open ones and those asked for. */
const recentRows = 500;

/** What may have changed since the last look, by id: open calls, the newest rows, and `watched` (ids). Reads through indexes only. */
export async function listChangeableCalls(
  pool: Pool,
  { site, watched }: { site?: number | undefined; watched: readonly number[] },
): Promise<ListedCall[]> {
  const { rows } = await pool.query<ListedCall>(
    `SELECT ${COLUMNS} FROM ${TABLES}
     WHERE c.id IN (SELECT id FROM (SELECT id FROM calls ORDER BY id DESC LIMIT $3) recent
                    UNION SELECT id FROM calls WHERE state <> 'final' UNION SELECT unnest($2::bigint[]))
       AND ($1::int IS NULL OR c.site_id = $1)
     ORDER BY c.id`,
    [site ?? null, watched, recentRows],
  );
  return rows;
}
