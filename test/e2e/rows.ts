import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { Capture } from "../support/pbx/capture.ts";
import type { Play } from "../support/pbx/play.ts";
import { idsOf } from "../support/pbx/rewrite.ts";

/** A call as its rows tell it, in the capture's own ids. Times are ms: start after the capture began, others after start. */
export interface CallRows {
  linkedid: string;
  state: string;
  source: string;
  type: string;
  status: string | null;
  phone: string | null;
  trunk: string | null;
  extension: string | null;
  extensions: number;
  start: number | null;
  end: number | null;
  duration: number | null;
  participants: ParticipantRow[];
  steps: StepRow[];
}

export interface ParticipantRow {
  extension: string;
  status: string;
  order: number;
  reason: string | null;
  ring: number | null;
  dial: number | null;
  answer: number | null;
  hangup: number | null;
}

export interface StepRow {
  type: string;
  sequence: number;
  leg: string;
  at: number;
}

const CALLS = `
  SELECT c.linkedid, c.state, c.data_source AS source, c.call_type AS type, c.call_status AS status,
    c.phone_number AS phone, c.trunk, c.main_extension AS extension, c.extensions_count AS extensions,
    extract(epoch FROM c.start_time)::float8 * 1000 AS start, extract(epoch FROM c.end_time)::float8 * 1000 AS end,
    c.duration,
    coalesce((SELECT jsonb_agg(jsonb_build_object('extension', extension, 'status', participant_status,
       'order', ring_order, 'reason', disconnect_reason, 'ring', ring_duration,
       'dial', extract(epoch FROM dial_start) * 1000, 'answer', extract(epoch FROM answer_time) * 1000,
       'hangup', extract(epoch FROM hangup_time) * 1000) ORDER BY ring_order, id)
     FROM call_participants WHERE call_id = c.id), '[]') AS participants,
    coalesce((SELECT jsonb_agg(jsonb_build_object('type', event_type, 'sequence', event_sequence, 'leg', leg,
       'at', extract(epoch FROM event_timestamp) * 1000) ORDER BY event_sequence)
     FROM call_events WHERE call_id = c.id), '[]') AS steps
  FROM calls c WHERE c.site_id = $1`;

/** The calls one play made at a site. */
export async function rowsOf(pool: Pool, siteId: number, capture: Capture, play: Play): Promise<CallRows[]> {
  const captured = new Map([...idsOf(capture)].map((id) => [play.id(id), id]));
  const { rows } = await pool.query<CallRows>(CALLS, [siteId]);
  const calls = rows.flatMap((row) => {
    const linkedid = captured.get(row.linkedid);
    return linkedid === undefined
      ? []
      : [inCaptureTime({ ...row, linkedid }, captured, capture.startedAt + play.shift.ms)];
  });
  return calls.toSorted((a, b) => (a.linkedid < b.linkedid ? -1 : 1));
}

function inCaptureTime(row: CallRows, captured: ReadonlyMap<string, string>, zero: number): CallRows {
  const start = row.start ?? zero;
  const relative = (at: number | null) => (at === null ? null : at - start);
  return {
    ...row,
    start: start - zero,
    end: relative(row.end),
    participants: row.participants.map((one) => ({
      ...one,
      dial: relative(one.dial),
      answer: relative(one.answer),
      hangup: relative(one.hangup),
    })),
    steps: row.steps.map((step) => ({ ...step, leg: captured.get(step.leg) ?? step.leg, at: step.at - start })),
  };
}

const MS = new Set(["start", "end", "dial", "answer", "hangup", "at"]);
const SECONDS = new Set(["ring", "duration"]);

/** Where two tellings differ by more than a second (or at all, where it is no time); each with its path. */
export function differences(one: unknown, other: unknown, path = ""): string[] {
  const key = path.slice(path.lastIndexOf(".") + 1);
  if (typeof one === "number" && typeof other === "number" && (MS.has(key) || SECONDS.has(key))) {
    return Math.abs(one - other) <= (MS.has(key) ? 1000 : 1) ? [] : [`${path}: ${one} / ${other}`];
  }
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") {
    return one === other ? [] : [`${path}: ${JSON.stringify(one)} / ${JSON.stringify(other)}`];
  }
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((name) =>
    differences((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name], `${path}.${name}`),
  );
}

/** Waits until a site has calls and all of them are final (or the deadline, then whatever is there is judged). */
export async function untilFinal(pool: Pool, siteIds: readonly number[], timeoutMs = 20_000): Promise<void> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const { rows } = await pool.query<{ sites: string; open: string }>(
      `SELECT count(DISTINCT site_id) AS sites, count(*) FILTER (WHERE state <> 'final') AS open
       FROM calls WHERE site_id = ANY($1)`,
      [siteIds],
    );
    if (Number(rows[0]!.sites) === siteIds.length && Number(rows[0]!.open) === 0) return;
    if (Date.now() > until) return;
    await sleep(100);
  }
}
