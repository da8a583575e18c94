import { isChannelId } from "../keys.ts";
import { isMasqueradeName, parseChannelName } from "../names.ts";
import type { CallEvent } from "../types.ts";
import type { CallFold, Leg, Moment } from "./facts.ts";
import { integer, momentOf, pbxTime, text } from "./moment.ts";

/** Own numbers remembered for a channel. */
const NUMBERS_MAX = 8;
/** SoftHangupRequest's Cause is a set of flags; this one says Asterisk is going down. */
const SOFT_HANGUP_SHUTDOWN = 4;

/** Finds or makes the leg an event speaks of under a header prefix ("", "Dest", "LocalOne" ...). */
export function legOf(fold: CallFold, event: CallEvent, prefix = ""): Leg | null {
  const id = text(event, `${prefix}Uniqueid`);
  if (!isChannelId(id ?? undefined) || id === null) return null;
  const known = fold.legs.get(id);
  if (known !== undefined) return seenAgain(fold, known, event);
  const name = text(event, `${prefix}Channel`);
  return name === null ? null : newLeg(fold, event, id, name, prefix);
}

/** A channel that still speaks is not lost after all. */
function seenAgain(fold: CallFold, leg: Leg, event: CallEvent): Leg {
  leg.lastOrder = fold.order;
  leg.lastAt = pbxTime(event);
  leg.aliveAt = Math.max(leg.aliveAt, leg.lastAt);
  if (leg.lost !== null && event.ev.Event !== "BridgeLeave") leg.lost = null;
  return leg;
}

function newLeg(fold: CallFold, event: CallEvent, id: string, name: string, prefix: string): Leg {
  const first = momentOf(fold, event);
  const leg: Leg = {
    id,
    name,
    ...parseChannelName(name),
    localSince: null,
    first,
    created: null,
    startEstimate: null,
    callerNumber: text(event, `${prefix}CallerIDNum`),
    callerName: text(event, `${prefix}CallerIDName`),
    exten: text(event, `${prefix}Exten`),
    context: text(event, `${prefix}Context`),
    numbers: [],
    connectedNumber: null,
    dnid: null,
    placed: false,
    dialled: false,
    ringing: null,
    up: null,
    hangup: null,
    requests: [],
    shutDown: false,
    stays: [],
    digits: [],
    heldMs: 0,
    holdFrom: null,
    lost: null,
    aliveAt: first.at,
    lastOrder: fold.order,
    lastAt: first.at,
  };
  fold.legs.set(id, leg);
  if (leg.pair !== null) joinPair(fold, leg);
  noteState(leg, event, prefix, first);
  return leg;
}

function joinPair(fold: CallFold, leg: Leg): void {
  if (leg.pair === null) return;
  const pair = fold.pairs.get(leg.pair) ?? { one: null, two: null };
  if (leg.half === 1) pair.one = leg.id;
  if (leg.half === 2) pair.two = leg.id;
  fold.pairs.set(leg.pair, pair);
}

/** Newchannel says what the channel was before anything rewrote it. */
export function onNewchannel(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null || leg.created !== null) return;
  leg.created = momentOf(fold, event);
  leg.callerNumber = text(event, "CallerIDNum");
  leg.callerName = text(event, "CallerIDName");
  leg.exten = text(event, "Exten");
  leg.context = text(event, "Context");
  noteNumber(leg, leg.callerNumber);
}

/** Newstate, NewCallerid, NewConnectedLine: state and numbers of a living channel. */
export function onChannelNews(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null) return;
  noteState(leg, event, "", momentOf(fold, event));
  noteNumber(leg, text(event, "CallerIDNum"));
  leg.connectedNumber = text(event, "ConnectedLineNum") ?? leg.connectedNumber;
}

export function noteNumber(leg: Leg, number: string | null): void {
  if (number !== null && leg.numbers.length < NUMBERS_MAX && !leg.numbers.includes(number)) leg.numbers.push(number);
}

export function noteState(leg: Leg, event: CallEvent, prefix: string, moment: Moment): void {
  const state = event.ev[`${prefix}ChannelState`];
  if (state === "4") leg.placed = true;
  else if (state === "5") leg.ringing ??= moment;
  else if (state === "6") leg.up ??= moment;
}

export function onHangup(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null || leg.hangup !== null) return;
  leg.hangup = { ...momentOf(fold, event), cause: integer(event, "Cause") };
  leg.lost = null;
  endHold(leg, leg.hangup.at);
}

export function onHangupRequest(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null) return;
  const { at, order } = momentOf(fold, event);
  leg.requests.push({ at, order, cause: integer(event, "Cause") });
}

export function onSoftHangupRequest(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg !== null && integer(event, "Cause") === SOFT_HANGUP_SHUTDOWN) leg.shutDown = true;
}

/** A masquerade gives a channel another's name; the identity stays. */
export function onRename(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  const name = text(event, "Newname");
  if (leg === null || name === null || isMasqueradeName(name)) return;
  const parsed = parseChannelName(name);
  if (parsed.kind !== "local" || leg.kind !== "real") return;
  leg.localSince = momentOf(fold, event).at;
  leg.pair = parsed.pair;
  leg.half = parsed.half;
  joinPair(fold, leg);
}

export function onHold(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg !== null) leg.holdFrom ??= momentOf(fold, event).at;
}

export function onUnhold(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg !== null) endHold(leg, momentOf(fold, event).at);
}

function endHold(leg: Leg, at: number): void {
  if (leg.holdFrom !== null) leg.heldMs += Math.max(0, at - leg.holdFrom);
  leg.holdFrom = null;
}

export function onDigit(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  const digit = text(event, "Digit");
  if (leg === null || digit === null || text(event, "Direction") === "Sent") return;
  leg.digits.push({ at: momentOf(fold, event).at, digit });
}
