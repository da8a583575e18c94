import type { ClientBase } from "pg";

/** Makes ids lead to a call, or to none yet, whatever they led to before. The site is held alone. */
export async function relink(
  client: ClientBase,
  siteId: number,
  callId: number | null,
  linkedids: string[],
): Promise<void> {
  await client.query(
    `INSERT INTO call_links (site_id, linkedid, call_id) SELECT $1, unnest($3::text[]), $2
     ON CONFLICT (site_id, linkedid) DO UPDATE SET call_id = excluded.call_id
     WHERE call_links.call_id IS DISTINCT FROM excluded.call_id`,
    [siteId, callId, linkedids],
  );
}

/** Where events are found by an id that is not (any more) one of theirs, gives them one that is. */
export async function refileEvents(
  client: ClientBase,
  siteId: number,
  linkedids: string[],
  events: { stream: number; seq: number }[],
  since: number,
): Promise<void> {
  await client.query(
    `UPDATE ami_events e SET linkedid = ($2::text[])[1]
     FROM unnest($3::bigint[], $4::bigint[]) AS r (stream_id, seq)
     WHERE e.stream_id = r.stream_id AND e.seq = r.seq AND e.site_id = $1
       AND e.linkedid <> ALL($2::text[]) AND e.received_at >= to_timestamp($5::float8 / 1000)`,
    [siteId, linkedids, events.map(({ stream }) => stream), events.map(({ seq }) => seq), since],
  );
}

/** Gives steps of some calls, and what is owed for them, to another. Their identity and their flags stay. */
export async function moveSteps(
  client: ClientBase,
  fromCallIds: number[],
  callId: number,
  steps: { leg: string; type: string; nth: number }[],
): Promise<void> {
  const values = [callId, fromCallIds, steps.map((s) => s.leg), steps.map((s) => s.type), steps.map((s) => s.nth)];
  const named = `FROM unnest($3::text[], $4::text[], $5::int[]) AS r (leg, event_type, nth)
     WHERE t.call_id = ANY($2::bigint[]) AND (t.leg, t.event_type, t.nth) = (r.leg, r.event_type, r.nth)`;
  // Deliveries first: so does whoever notes that one was sent.
  await client.query(`UPDATE deliveries t SET call_id = $1 ${named}`, values);
  await client.query(
    `UPDATE call_events t SET call_id = $1, unique_id = (SELECT unique_id FROM calls WHERE id = $1) ${named}`,
    values,
  );
}
