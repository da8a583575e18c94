import type { PlayedCall } from "../oracle/journal.ts";
import type { Database } from "../stack/database.ts";

/** A call as it stands in PostgreSQL, without what differs between two runs of it (ids, times of receipt, tags). */
export interface CallPicture {
  linkedid: string;
  state: string;
  completeness: string | null;
  call_type: string;
  call_status: string | null;
  phone_number: string | null;
  trunk: string | null;
  main_extension: string | null;
  extensions_count: number | null;
  start_time: Date | null;
  end_time: Date | null;
  duration: number | null;
  participants: unknown;
  steps: unknown;
}

export async function readCalls(database: Database, siteId: number): Promise<Map<string, CallPicture>> {
  const rows = await database.query<CallPicture>(
    `SELECT c.linkedid, c.state, c.extra_data->>'completeness' AS completeness, c.call_type, c.call_status, c.phone_number,
            c.trunk, c.main_extension, c.extensions_count, c.start_time, c.end_time, c.duration,
            (SELECT jsonb_agg(jsonb_build_array(p.ring_order, p.extension, p.participant_status, p.ring_duration,
                                                p.dial_start, p.answer_time, p.hangup_time, p.disconnect_reason)
                              ORDER BY p.ring_order)
             FROM call_participants p WHERE p.call_id = c.id) AS participants,
            (SELECT jsonb_agg(jsonb_build_array(e.event_sequence, e.event_type, e.leg, e.nth, e.event_timestamp)
                              ORDER BY e.event_sequence)
             FROM call_events e WHERE e.call_id = c.id) AS steps
     FROM calls c WHERE c.site_id = $1`,
    [siteId],
  );
  return new Map(rows.map((row) => [row.linkedid, row]));
}

/** Calls of which every event is stored must be what an undisturbed run makes of them, and what the phones say. */
export function judgeCalls(options: {
  played: readonly PlayedCall[];
  /** Numbers of calls of which something never reached the server. */
  incomplete: ReadonlySet<number>;
  calls: ReadonlyMap<string, CallPicture>;
  reference: ReadonlyMap<string, CallPicture>;
  /** What is missing of those was read from Asterisk's own files: they are what they would have been, but for exact times. */
  repaired?: boolean;
}): string[] {
  const wrongs: string[] = [];
  for (const played of options.played) {
    const call = options.calls.get(played.linkedid);
    const title = `Call ${played.linkedid} (${played.kind})`;
    const isIncomplete = options.incomplete.has(played.call);
    if (isIncomplete && options.repaired !== true) {
      if (call !== undefined && call.call_status === null) wrongs.push(`${title} has lost events and runs for ever`);
      continue;
    }
    if (call === undefined) {
      wrongs.push(`${title} is not there`);
      continue;
    }
    const reference = options.reference.get(played.linkedid);
    const compared = isIncomplete ? otherSteps(call, reference) : differences(call, reference);
    const differs = [...compared, ...untruths(call, played)];
    if (differs.length > 0) wrongs.push(`${title} differs: ${differs.join("; ")}`);
  }
  return wrongs;
}

function differences(call: CallPicture, reference: CallPicture | undefined): string[] {
  if (reference === undefined) return ["the undisturbed run has no such call"];
  return (Object.keys(reference) as (keyof CallPicture)[])
    .filter((column) => column !== "completeness" && JSON.stringify(call[column]) !== JSON.stringify(reference[column]))
    .map((column) => `${column} ${JSON.stringify(call[column])}, undisturbed ${JSON.stringify(reference[column])}`);
}

/** Steps keep their names, whoever told of them. */
function otherSteps(call: CallPicture, reference: CallPicture | undefined): string[] {
  const names = (picture: CallPicture | undefined): string[] =>
    ((picture?.steps ?? []) as unknown[][]).map(
      ([, type, leg, nth]) => `${String(type)} ${String(leg)} ${String(nth)}`,
    );
  const [is, should] = [names(call).toSorted(), names(reference).toSorted()];
  return is.join() === should.join() ? [] : [`steps ${is.join(", ")}, undisturbed ${should.join(", ")}`];
}

function untruths(call: CallPicture, { truth }: PlayedCall): string[] {
  const told: [string, unknown, unknown][] = [
    ["call_type", call.call_type, truth.callType],
    ["call_status", call.call_status, truth.callStatus],
    ["main_extension", call.main_extension, truth.mainExtension],
    ["phone_number", call.phone_number, truth.phoneNumber],
    ["trunk", call.trunk, truth.trunk],
  ];
  return told
    .filter(([, is, should]) => is !== should)
    .map(([column, is, should]) => `${column} ${JSON.stringify(is)}, in truth ${JSON.stringify(should)}`);
}
