import type { ClientBase } from "pg";
import { clockTime, compareEvents, type CallEvent } from "../assemble/index.ts";
import { originalValue } from "../ingest/storable.ts";
import { firstAmong, NOWHERE } from "../ingest/types.ts";
import type { FoundCall } from "../store/findCall.ts";
import { readKeptEvents, readLoggedEvents } from "../store/readCallHistory.ts";
import { readFoldingMarkers } from "../store/siteMarkers.ts";

/**
 * Everything stored that made a call, in order: from the raw log, from what the call kept, and the site's markers. Texts
 * are as the PBX sent them, also what the database keeps only escaped.
 */
export async function readStoredCall(client: ClientBase, call: FoundCall): Promise<CallEvent[]> {
  const logged = await readLoggedEvents(client, [call.id], call.first_received);
  const kept = await readKeptEvents(client, [call.id]);
  const events = new Map<string, CallEvent>();
  for (const { stream, seq, at, origin, ev } of [...kept, ...logged]) {
    events.set(`${stream} ${seq}`, { stream, seq, at, origin, ev });
  }
  const own = [...events.values()].toSorted(compareEvents);
  const first = firstAmong(own);
  if (first === undefined || call.site_id === null) return own.map(asItCame);
  const rowsSince = Math.min(...own.map((event) => clockTime(event)));
  const since = first === NOWHERE ? rowsSince : 0;
  const markers = await readFoldingMarkers(client, [{ siteId: call.site_id, first, since, rowsSince }]);
  return [...own, ...markers].toSorted(compareEvents).map(asItCame);
}

function asItCame(event: CallEvent): CallEvent {
  return { ...event, ev: originalValue(event.ev) };
}
