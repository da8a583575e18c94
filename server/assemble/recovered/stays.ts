import { header } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import type { CallEvent } from "../types.ts";

/** A channel's time in a bridge as it was heard, epoch ms; `to: null`: nobody heard it leave. */
export interface HeardStay {
  bridge: string;
  /** When it entered; if nobody heard that, when it was first known to be there. */
  from: number;
  entered: boolean;
  to: number | null;
}

const TELLING: ReadonlySet<string> = new Set(["BridgeEnter", "BridgeLeave", "CoreShowChannel"]);

/** By channel id, in the order they were heard. */
export function staysIn(live: readonly CallEvent[]): Map<string, HeardStay[]> {
  const stays = new Map<string, HeardStay[]>();
  for (const event of live) {
    const { ev } = event;
    if (!TELLING.has(ev.Event)) continue;
    const id = header(ev, "Uniqueid");
    const bridge = header(ev, ev.Event === "CoreShowChannel" ? "BridgeId" : "BridgeUniqueid");
    if (id === undefined || bridge === undefined) continue;
    const own = stays.get(id) ?? [];
    stays.set(id, own);
    note(own, bridge, ev.Event, clockTime(event));
  }
  return stays;
}

function note(stays: HeardStay[], bridge: string, event: string, at: number): void {
  const open = stays.findLast((stay) => stay.bridge === bridge && stay.to === null);
  if (event === "BridgeEnter") stays.push({ bridge, from: at, entered: true, to: null });
  else if (event === "CoreShowChannel" && open === undefined)
    stays.push({ bridge, from: at, entered: false, to: null });
  else if (event === "BridgeLeave" && open !== undefined) open.to = at;
  else if (event === "BridgeLeave") stays.push({ bridge, from: at, entered: false, to: at });
}
