import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import type { CallEvent } from "../../server/assemble/index.ts";
import { RECOMMENDED_RIGHTS, eventFilter, mayRead } from "./pbx/rights.ts";
import type { Capture, CapturedConnection } from "./pbx/capture.ts";

/** Which events of a capture an AMI user would have been sent. */
export type Rights = "everything" | "recommended" | "call";

const MASK_ALL = ["all"];

/** The stream an agent with these rights would have written while the capture was made, its own markers included. */
export function eventsOf(capture: Capture, rights: Rights, stream = 1): CallEvent[] {
  const passes = passing(rights);
  const events: CallEvent[] = [];
  const push = (at: number, ev: AmiEvent): void => {
    events.push({ stream, seq: events.length + 1, at, origin: "live", ev });
  };
  for (const [index, connection] of capture.connections.entries()) {
    const previous = capture.connections[index - 1];
    if (previous !== undefined) markLoss(push, previous, connection);
    markLogin(push, connection, previous !== undefined);
    for (const event of connection.events) if (passes(event.text)) push(event.at, parseEvent(event.text));
  }
  return events;
}

function passing(rights: Rights): (text: string) => boolean {
  if (rights === "everything") return () => true;
  if (rights === "call") return (text) => mayRead(["call"], MASK_ALL, text);
  const filter = eventFilter(RECOMMENDED_RIGHTS.eventfilters);
  return (text) => mayRead(RECOMMENDED_RIGHTS.read, MASK_ALL, text) && filter(text);
}

type Push = (at: number, ev: AmiEvent) => void;

function markLoss(push: Push, previous: CapturedConnection, next: CapturedConnection): void {
  const since = String(previous.closedAt);
  push(previous.closedAt, { Event: MARKERS.captureLost, Cause: "ami_lost", Detail: "", Since: since });
  if (next.bootedAtSeconds === null) return;
  push(next.openedAt, { Event: MARKERS.asteriskRestarted, AsteriskStarted: String(next.bootedAtSeconds) });
}

function markLogin(push: Push, connection: CapturedConnection, again: boolean): void {
  push(connection.openedAt, { Event: MARKERS.captureStarted });
  const existing = connection.existing.map(parseEvent);
  for (const event of existing) push(connection.openedAt, event);
  if (existing.length === 0 && !again) return;
  const unique = [...new Map(existing.map((event) => [event["Uniqueid"], event])).values()];
  push(connection.openedAt, {
    Event: MARKERS.snapshot,
    Uniqueid: unique.map((event) => String(event["Uniqueid"])),
    Linkedid: unique.map((event) => String(event["Linkedid"])),
    Complete: "true",
  });
}

/** One event's text (latin1, one character a byte) as the agent would hand it on. */
export function parseEvent(text: string): AmiEvent {
  const ev: AmiEvent = { Event: "" };
  for (const line of Buffer.from(text, "latin1").toString("utf8").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    const before = ev[name];
    if (name === "Event" || before === undefined) ev[name] = value;
    else ev[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return ev;
}
