import { header } from "../../../shared/ami-event.ts";
import type { CallEvent } from "../types.ts";
import { secondOf } from "../keys.ts";
import { enter } from "./bridges.ts";
import type { CallFold, Leg, Moment } from "./facts.ts";
import { legOf, noteNumber, noteState } from "./legs.ts";
import { integer, momentOf, text } from "./moment.ts";

/** How far the Uniqueid's epoch and the snapshot's age may lie apart and still mean the same start, ms. */
const START_AGREEMENT_MS = 2_500;

/** A snapshot's marker follows its list within this, ms. */
const LIST_AND_MARKER_MS_MAX = 10_000;

/** CoreShowChannel and Status: what a channel older than the capture was doing at the login. */
export function onSnapshotChannel(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null) return;
  const moment = momentOf(fold, event);
  leg.aliveAt = moment.at;
  leg.dnid = text(event, "DNID") ?? leg.dnid;
  enterSeen(leg, event, moment);
  if (leg.created !== null) return;
  noteState(leg, event, "", moment);
  noteNumber(leg, text(event, "CallerIDNum"));
  leg.startEstimate ??= startOf(leg.id, moment.at, ageSeconds(event));
  if (text(event, "Application") === "AppDial" || text(event, "Application") === "AppQueue") leg.dialled = true;
}

/** In a bridge of which nobody said when it was entered: it was while nobody listened. */
function enterSeen(leg: Leg, event: CallEvent, moment: Moment): void {
  const bridge = text(event, "BridgeId") ?? text(event, "BridgeID");
  if (bridge !== null && leg.hangup === null) enter(leg, bridge, moment);
}

function ageSeconds(event: CallEvent): number | null {
  const seconds = integer(event, "Seconds");
  if (seconds !== null) return seconds;
  const clock = /^(\d+):(\d\d):(\d\d)$/.exec(text(event, "Duration") ?? "");
  return clock === null ? null : Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
}

/** The start is in the Uniqueid's epoch part, unless the PBX's clock is not the agent's. */
function startOf(id: string, at: number, age: number | null): number | null {
  const byId = secondOf(id);
  if (age === null) return byId !== null && byId <= at ? byId : null;
  const byAge = at - age * 1000;
  return byId !== null && Math.abs(byId - byAge) <= START_AGREEMENT_MS ? byId : byAge;
}

/**
 * A new AMI session: what is older must show in its snapshot. A channel without a Hangup existed as long as the session
 * before was heard: at least until the call's last event, also where nobody told when that session was lost.
 */
export function onCaptureStarted(fold: CallFold): void {
  fold.sessionOrder = fold.order;
  for (const leg of openLegs(fold)) leg.aliveAt = Math.max(leg.aliveAt, fold.lastAt);
}

/** Until the session ended every channel without a Hangup existed. */
export function onCaptureLost(fold: CallFold, event: CallEvent): void {
  const since = Number(header(event.ev, "Since"));
  const at = Number.isFinite(since) && since > 0 ? Math.min(since, event.at) : event.at;
  for (const leg of openLegs(fold)) leg.aliveAt = Math.max(leg.aliveAt, at);
}

/** RingpostSnapshot: a complete list without the channel proves that it is gone. */
export function onSnapshot(fold: CallFold, event: CallEvent): void {
  const moment = momentOf(fold, event);
  const listed = event.ev["Uniqueid"];
  const alive = new Set(Array.isArray(listed) ? listed : listed === undefined ? [] : [listed]);
  const complete = text(event, "Complete") === "true";
  for (const leg of openLegs(fold)) {
    if (alive.has(leg.id)) leg.aliveAt = Math.max(leg.aliveAt, moment.at);
    else if (complete && missedItsEnd(fold, leg, moment.at)) leg.lost = moment;
  }
}

/** Born between the list and its marker a channel is not in it, and lives: only its end in another session is missed. */
function missedItsEnd(fold: CallFold, leg: Leg, at: number): boolean {
  return fold.sessionOrder === null ? at - leg.lastAt > LIST_AND_MARKER_MS_MAX : leg.lastOrder < fold.sessionOrder;
}

/** RingpostAsteriskRestarted and Shutdown: no channel outlives the process. */
export function onAsteriskGone(fold: CallFold, event: CallEvent): void {
  const moment = momentOf(fold, event);
  const own = event.ev.Event === "Shutdown";
  for (const leg of openLegs(fold)) {
    if (own) leg.aliveAt = Math.max(leg.aliveAt, moment.at);
    else if (fold.hasRows) leg.aliveAt = Math.max(leg.aliveAt, fold.lastAt);
    leg.lost = moment;
  }
}

function* openLegs(fold: CallFold): Generator<Leg> {
  for (const leg of fold.legs.values()) if (leg.hangup === null && leg.lost === null) yield leg;
}

/** When a leg was over: its Hangup, or the last moment it is known to have existed. Null while it lives. */
export function endOf(leg: Leg): number | null {
  if (leg.hangup !== null) return leg.hangup.at;
  return leg.lost === null ? null : leg.aliveAt;
}

export function endMoment(leg: Leg): Moment | null {
  return leg.hangup ?? leg.lost;
}
