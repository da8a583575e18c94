import type { CallStatus, DisconnectReason } from "../../../shared/call.ts";
import type { CallFold, Leg } from "../facts/facts.ts";
import type { Directory } from "../types.ts";
import { isExternalNumber, isNumber, knownText, parseDialTarget } from "../names.ts";
import { matches, roleOf, type Roles } from "./directory.ts";
import { ringReason } from "./endings.ts";
import type { Party } from "./participants.ts";
import type { Ring } from "./rings.ts";
import { meantNumber, type Shape } from "./shape.ts";
import type { Talk } from "./talk.ts";

/** Hangup cause of a caller nobody was rung for because the one called is busy. */
const CAUSE_BUSY = 17;

/** The status the call has once all its channels are gone. */
export function readStatus(fold: CallFold, parties: Party[], rings: Ring[], talk: Talk, shape: Shape): CallStatus {
  if (answered(fold, parties, rings, talk, shape)) return "answered";
  const reasons = triedReasons(parties, rings, shape);
  if (reasons.length === 0) return statusWithoutRings(fold, shape);
  const busy = (reason: DisconnectReason | null): boolean => reason === "busy" || reason === "declined";
  if (shape.callType === "outgoing") return farEndStatus(reasons, busy);
  if (reasons.every(busy)) return "busy";
  return reasons.every((reason) => reason === "failed") ? "failed" : "no_answer";
}

/** A trunk that could not carry the call says nothing about the far end. */
function farEndStatus(
  reasons: (DisconnectReason | null)[],
  busy: (reason: DisconnectReason | null) => boolean,
): CallStatus {
  const told = reasons.filter((reason) => reason !== "failed");
  if (told.length === 0) return "failed";
  return told.every(busy) ? "busy" : "no_answer";
}

function answered(fold: CallFold, parties: Party[], rings: Ring[], talk: Talk, shape: Shape): boolean {
  if (hadCompany(fold)) return true;
  const farEnd = rings.some((ring) => ring.role.is === "trunk" && ring.leg !== null && talk.spans.has(ring.leg.id));
  if (shape.callType === "outgoing") return farEnd;
  return farEnd || parties.some((party) => party.row.status === "answered");
}

/** Two people were in the conference at once. */
export function hadCompany(fold: CallFold): boolean {
  return companyFrom(fold) !== null;
}

/** When the first other person was in a conference together with this call's. */
export function companyFrom(fold: CallFold): number | null {
  const moments = fold.conferences.flatMap((conference) => {
    const joined = conference.joined.at;
    const others = conference.people
      .filter((person) => person.id !== conference.leg && (person.to === null || person.to > joined))
      .map((person) => Math.max(person.from, joined));
    // Three channels at the join are at least two people and the conference's announcer.
    return conference.channelsAtJoin >= 3 ? [joined, ...others] : others;
  });
  return moments.length === 0 ? null : Math.min(...moments);
}

function triedReasons(parties: Party[], rings: Ring[], shape: Shape): (DisconnectReason | null)[] {
  if (shape.callType !== "outgoing") return parties.map((party) => party.row.disconnectReason);
  const trunks = rings.filter((ring) => ring.role.is === "trunk");
  const tried = trunks.length > 0 ? trunks : rings.filter((ring) => shape.placingRings.has(ring));
  return tried.map((ring) => farEndReason(ring, shape));
}

/** "No such number" and "no route" of a far end are failures to set the call up. */
function farEndReason(ring: Ring, shape: Shape): DisconnectReason | null {
  const reason = ringReason(ring, shape);
  return ring.leg === null && ring.role.is === "trunk" && reason === "unavailable" ? "failed" : reason;
}

/** Nobody was rung: an IVR, a queue or voicemail took the call, the caller gave up, or nothing could be done with it. */
function statusWithoutRings(fold: CallFold, shape: Shape): CallStatus {
  const { first } = shape;
  if (first === null) return "no_answer";
  if (first.hangup?.cause === CAUSE_BUSY && first.requests.length === 0) return "busy";
  const met = first.up !== null || fold.queues.length > 0 || fold.voicemail !== null || fold.conferences.length > 0;
  const gone = first.lost !== null || first.shutDown;
  return met || gone || first.requests.length > 0 ? "no_answer" : "failed";
}

/** The external party; null when hidden or internal. */
export function readPhoneNumber(fold: CallFold, rings: Ring[], shape: Shape): string | null {
  if (shape.callType === "incoming") return callerNumber(shape.first);
  if (shape.callType === "internal") return null;
  const ring = rings.find((known) => known.role.is === "trunk");
  if (ring === undefined) return meantNumber(fold, shape.first, rings, shape.originated);
  return dialledNumber(ring, shape);
}

function callerNumber(leg: Leg | null): string | null {
  const number = knownText(leg?.callerNumber ?? undefined);
  return isNumber(number) ? number : null;
}

/** As dialled, without the prefix that chose the trunk or that the trunk wants. */
function dialledNumber(ring: Ring, shape: Shape): string | null {
  const exten = shape.originated ? null : (shape.first?.exten ?? null);
  const sent = sentNumber(ring);
  if (sent === null) return isNumber(exten) ? exten : null;
  if (!isExternalNumber(exten)) return sent;
  if (exten.endsWith(sent)) return sent;
  return sent.endsWith(exten) ? exten : sent;
}

function sentNumber(ring: Ring): string | null {
  const dialString = ring.dial?.dialString ?? null;
  const inDial = dialString === null ? null : parseDialTarget(dialString);
  if (isNumber(inDial?.number)) return inDial.number;
  const inPlan = ring.attempt?.targets.find((target) => isNumber(target.number))?.number ?? null;
  return inPlan ?? ring.leg?.numbers.find(isExternalNumber) ?? null;
}

/** The trunk the call came in on; outgoing: the one that carried it, else the last one tried. */
export function readTrunk(rings: Ring[], roles: Roles, talk: Talk, shape: Shape): string | null {
  if (shape.callType === "incoming") {
    const role = roleOf(roles, shape.first);
    return role.is === "trunk" ? role.peer : null;
  }
  const trunks = rings.filter((ring) => ring.role.is === "trunk");
  const carried = trunks.find((ring) => ring.leg !== null && talk.spans.has(ring.leg.id));
  const role = (carried ?? trunks.at(-1))?.role;
  return role?.is === "trunk" ? role.peer : null;
}

/** Incoming, internal: the first called extension that talked; outgoing: the one that placed the call. */
export function readMainExtension(
  parties: Party[],
  rings: Ring[],
  talk: Talk,
  shape: Shape,
  directory: Directory,
): string | null {
  if (shape.callType === "outgoing") return shape.placing;
  const first = byTalk(parties)[0];
  return first?.row.extension ?? followedTo(rings, talk, directory);
}

export function readLastExtension(parties: Party[]): string | null {
  return byTalk(parties).at(-1)?.row.extension ?? null;
}

function byTalk(parties: Party[]): Party[] {
  const talked = parties.filter((party) => party.talkedFrom !== null);
  return talked.toSorted((a, b) => (a.talkedFrom ?? 0) - (b.talkedFrom ?? 0) || a.row.ringOrder - b.row.ringOrder);
}

/** The extension whose follow-me or forwarding an outside phone answered, if it is known to be one. */
function followedTo(rings: Ring[], talk: Talk, directory: Directory): string | null {
  const outside = rings.find((ring) => ring.role.is === "trunk" && ring.leg !== null && talk.spans.has(ring.leg.id));
  if (outside === undefined) return null;
  const number = sentNumber(outside);
  const forwarder = rings.find((ring) => number !== null && ring.dial?.forward?.includes(number) === true);
  if (forwarder?.role.is === "extension") return forwarder.role.number;
  const { via } = outside;
  const rung = rings.some((ring) => ring.role.is === "extension" && ring.role.number === via);
  return via !== null && (rung || (directory.extensions !== null && matches(directory.extensions, via))) ? via : null;
}
