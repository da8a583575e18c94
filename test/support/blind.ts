import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import type { CallEvent } from "../../server/assemble/index.ts";

/** Rows this far outside the blind period are read as well, ms. */
const MARGIN_MS = 5_000;

export interface Blind {
  /** What the agent sent: nothing of the period, its markers, what still existed afterwards. */
  live: CallEvent[];
  /** The rows it read for the period. */
  rows: CallEvent[];
}

/** The stream as if the agent had heard nothing after `from` until `to` (epoch ms), and what it recovered of that. */
export function blindBetween(
  events: readonly CallEvent[],
  rows: readonly CallEvent[],
  from: number,
  to: number,
): Blind {
  const before = events.filter(({ at }) => at <= from);
  const after = events.filter(({ at }) => at > to);
  const since = Math.min(from, lostBefore(events, to));
  const restarts = events.filter(({ at, ev }) => at > from && at <= to && ev.Event === MARKERS.asteriskRestarted);
  const login = [
    { Event: MARKERS.captureLost, Cause: "ami_lost", Since: String(since) },
    ...restarts.map(({ ev }) => ev),
    { Event: MARKERS.captureStarted, Repair: "pending" },
    ...existing(events, to),
  ];
  const markers = login.map((ev) => ({ at: to, ev }));
  const live = [...before, ...markers, ...after].map(({ at, ev }, index) => ({
    stream: 1,
    seq: index + 1,
    at,
    origin: "live" as const,
    ev,
  }));
  const within = ({ ev }: CallEvent): boolean => {
    const [began, ended] = [Number(ev["StartTime"] ?? ev["Timestamp"]) * 1000, Number(ev["Timestamp"]) * 1000];
    return ended >= from - MARGIN_MS && began <= to + MARGIN_MS;
  };
  return { live, rows: rows.filter(within) };
}

/** When the session was lost that is not up again at that moment; Infinity when it is. */
function lostBefore(events: readonly CallEvent[], at: number): number {
  const sessions = events.filter(({ ev }) => ev.Event === MARKERS.captureLost || ev.Event === MARKERS.captureStarted);
  const last = sessions.findLast((event) => event.at <= at);
  return last?.ev.Event === MARKERS.captureLost ? Number(last.ev["Since"]) : Infinity;
}

/** The list answers and the snapshot of a login at that moment. */
function existing(events: readonly CallEvent[], at: number): AmiEvent[] {
  const channels = new Map<string, AmiEvent>();
  for (const { ev } of events.filter((event) => event.at <= at)) follow(channels, ev);
  const ids = [...channels.keys()];
  const Linkedid = ids.map((id) => String(channels.get(id)?.["Linkedid"] ?? id));
  return [...channels.values(), { Event: MARKERS.snapshot, Uniqueid: ids, Linkedid, Complete: "true" }];
}

const SHOWN = ["Uniqueid", "Linkedid", "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Exten", "Context"];

function follow(channels: Map<string, AmiEvent>, ev: AmiEvent): void {
  if (ev.Event === MARKERS.asteriskRestarted) channels.clear();
  const id = String(ev["Uniqueid"] ?? "");
  if (ev.Event === "Newchannel") channels.set(id, { Event: "CoreShowChannel" });
  if (ev.Event === "Hangup") channels.delete(id);
  const known = channels.get(id);
  if (known === undefined) return;
  for (const name of SHOWN) if (ev[name] !== undefined) known[name] = ev[name];
  if (ev.Event === "BridgeEnter") known["BridgeId"] = String(ev["BridgeUniqueid"]);
  if (ev.Event === "BridgeLeave") known["BridgeId"] = "";
}
