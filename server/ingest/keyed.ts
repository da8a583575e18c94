import { messageOf } from "../../shared/errors.ts";
import type { EventRow } from "../store/insertEvents.ts";
import type { Assembler } from "./assembler.ts";
import type { FreshEvent } from "./fresh.ts";
import type { Rejection } from "./types.ts";

/** An event with the channel ids it ties together. */
export interface KeyedEvent {
  fresh: FreshEvent;
  keys: string[];
  /** Concerns every call of the site. */
  marker: boolean;
}

/** Asks the assembler what each event ties together; one it throws on belongs to no call and is set aside. */
export function keyEvents(
  events: readonly FreshEvent[],
  { linkKeys, isSiteMarker }: Assembler,
): { keyed: KeyedEvent[]; rejected: Rejection[] } {
  const rejected: Rejection[] = [];
  const keyed = events.map((fresh): KeyedEvent => {
    try {
      return { fresh, keys: linkKeys(fresh.event.ev), marker: isSiteMarker(fresh.event.ev) };
    } catch (error) {
      const { site, streamId, event } = fresh;
      rejected.push({ siteId: site.id, streamId, event, reason: "undigestible", detail: messageOf(error) });
      return { fresh, keys: [], marker: false };
    }
  });
  return { keyed, rejected };
}

/** The row of the raw log. Its linkedid is the event's Linkedid, or the first id it names. */
export function toEventRow({ fresh: { site, streamId, event }, keys }: KeyedEvent): EventRow {
  const { seq, at, mono, origin, ev, digest, body } = event;
  const { Linkedid: named } = ev;
  const linkedid = typeof named === "string" && keys.includes(named) ? named : (keys[0] ?? null);
  return { streamId, seq, siteId: site.id, at, mono, origin, event: ev.Event, linkedid, digest, body };
}
