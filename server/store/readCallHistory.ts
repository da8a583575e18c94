import type { ClientBase } from "pg";
import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Origin } from "../../shared/wire.ts";

export interface StoredEvent {
  callId: number;
  stream: number;
  seq: number;
  at: number;
  origin: Origin;
  ev: AmiEvent;
  /** Kept with the call although it is about the whole site. */
  site?: boolean;
}

/** A call's row of call_participants that is already written. */
export interface WrittenParticipant {
  callId: number;
  id: number;
  ringOrder: number;
}

/** A call's row of call_events that is already written. */
export interface WrittenStep {
  callId: number;
  id: number;
  leg: string;
  type: string;
  nth: number;
  /** Exactly as stored: it names the partition. */
  receivedTimestamp: string;
}

/** Receipt times are stored in ms; a margin costs nothing and guards the day's edge. */
const MARGIN_MS = 1000;

/** The events of calls from the raw log, in any order. `since`: when the first of them was received, epoch ms. */
export async function readLoggedEvents(client: ClientBase, callIds: number[], since: number): Promise<StoredEvent[]> {
  const { rows } = await client.query<StoredEvent>({
    name: "read_logged_events",
    text: `SELECT l.call_id::float8 AS "callId", e.stream_id::float8 AS stream, e.seq::float8 AS seq,
                  (extract(epoch FROM e.captured_at) * 1000)::float8 AS at, e.origin, e.body AS ev
           FROM call_links l JOIN ami_events e ON e.site_id = l.site_id AND e.linkedid = l.linkedid
           WHERE l.call_id = ANY($1::bigint[]) AND e.received_at >= to_timestamp($2::float8 / 1000)`,
    values: [callIds, since - MARGIN_MS],
  });
  return rows;
}

/** Events whose ids wait for a call. The two lists go together by index; `callId` is 0. */
export async function readWaitingEvents(
  client: ClientBase,
  siteIds: number[],
  linkedids: string[],
): Promise<(StoredEvent & { siteId: number; linkedid: string })[]> {
  const { rows } = await client.query<StoredEvent & { siteId: number; linkedid: string }>(
    `SELECT 0 AS "callId", k.site_id AS "siteId", k.linkedid, e.stream_id::float8 AS stream, e.seq::float8 AS seq,
            (extract(epoch FROM e.captured_at) * 1000)::float8 AS at, e.origin, e.body AS ev
     FROM unnest($1::int[], $2::text[]) AS k (site_id, linkedid) JOIN ami_events e USING (site_id, linkedid)`,
    [siteIds, linkedids],
  );
  return rows;
}

/** The events kept with calls that are final: the raw log may have been cleared since. */
export async function readKeptEvents(client: ClientBase, callIds: number[]): Promise<StoredEvent[]> {
  const { rows } = await client.query<{ callId: number; events: Omit<StoredEvent, "callId">[] }>({
    name: "read_kept_events",
    text: `SELECT id::float8 AS "callId", raw_data AS events FROM calls
           WHERE id = ANY($1::bigint[]) AND jsonb_typeof(raw_data) = 'array'`,
    values: [callIds],
  });
  return rows.flatMap(({ callId, events }) => events.map((event) => ({ ...event, callId })));
}

export async function readParticipants(client: ClientBase, callIds: number[]): Promise<WrittenParticipant[]> {
  const { rows } = await client.query<WrittenParticipant>({
    name: "read_participants",
    text: `SELECT call_id::float8 AS "callId", id::float8 AS id, ring_order AS "ringOrder"
           FROM call_participants WHERE call_id = ANY($1::bigint[])`,
    values: [callIds],
  });
  return rows;
}

export async function readSteps(client: ClientBase, callIds: number[]): Promise<WrittenStep[]> {
  const { rows } = await client.query<WrittenStep>({
    name: "read_steps",
    text: `SELECT call_id::float8 AS "callId", id::float8 AS id, leg, event_type AS type, nth,
                  received_timestamp::text AS "receivedTimestamp"
           FROM call_events WHERE call_id = ANY($1::bigint[]) AND leg IS NOT NULL`,
    values: [callIds],
  });
  return rows;
}
