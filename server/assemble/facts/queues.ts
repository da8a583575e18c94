import type { CallEvent } from "../types.ts";
import type { CallFold, QueueVisit } from "./facts.ts";
import { legOf } from "./legs.ts";
import { integer, momentOf, text } from "./moment.ts";

export function onQueueJoin(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  const queue = text(event, "Queue");
  if (leg === null || queue === null || openVisit(fold, leg.id, queue) !== undefined) return;
  fold.queues.push({ queue, leg: leg.id, from: momentOf(fold, event), to: null, outcome: "waiting" });
}

export function onQueueEnd(fold: CallFold, event: CallEvent, outcome: QueueVisit["outcome"]): void {
  const leg = legOf(fold, event);
  const visit = leg === null ? undefined : openVisit(fold, leg.id, text(event, "Queue"));
  if (visit === undefined) return;
  visit.to = momentOf(fold, event);
  visit.outcome = outcome;
}

/** AgentCalled, AgentConnect ...: which queue member a channel stands for. */
export function onAgent(fold: CallFold, event: CallEvent): void {
  const queue = text(event, "Queue");
  const dest = legOf(fold, event, "Dest");
  if (dest === null || queue === null) return;
  fold.agents.set(dest.id, { queue, interface: text(event, "Interface"), member: text(event, "MemberName") });
  const caller = legOf(fold, event);
  if (caller === null || event.ev.Event !== "AgentConnect") return;
  const visit = fold.queues.findLast((known) => known.leg === caller.id && known.queue === queue);
  if (visit !== undefined) visit.outcome = "connected";
}

function openVisit(fold: CallFold, leg: string, queue: string | null): QueueVisit | undefined {
  return fold.queues.find((visit) => visit.leg === leg && visit.queue === queue && visit.to === null);
}

/**
 * ConfbridgeJoin goes to every running call of the site: a conference joins people, not channels of one call,
 * so only the other calls' joins tell whether someone was there to talk to.
 */
export function onConferenceJoin(fold: CallFold, event: CallEvent): void {
  const id = text(event, "Uniqueid");
  const name = text(event, "Conference");
  if (id === null || name === null) return;
  const moment = momentOf(fold, event);
  if (fold.legs.has(id)) startConference(fold, event, id, name);
  for (const conference of fold.conferences) {
    if (conference.name !== name || conference.left !== null) continue;
    if (conference.people.some((person) => person.id === id)) continue;
    conference.people.push({ id, from: moment.at, to: null });
  }
}

function startConference(fold: CallFold, event: CallEvent, leg: string, name: string): void {
  legOf(fold, event);
  if (fold.conferences.some((known) => known.leg === leg && known.left === null)) return;
  fold.conferences.push({
    name,
    bridge: text(event, "BridgeUniqueid"),
    people: [],
    leg,
    joined: momentOf(fold, event),
    left: null,
    channelsAtJoin: integer(event, "BridgeNumChannels") ?? 0,
  });
}

export function onConferenceLeave(fold: CallFold, event: CallEvent): void {
  const id = text(event, "Uniqueid");
  const moment = momentOf(fold, event);
  for (const conference of fold.conferences) {
    if (conference.leg === id) conference.left ??= moment;
    const person = conference.people.find((known) => known.id === id);
    if (person !== undefined) person.to ??= moment.at;
  }
}
