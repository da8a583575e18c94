import type { DisconnectReason, ParticipantStatus } from "../../../shared/call.ts";
import type { CallFold, HangupRequest, Leg } from "../facts/facts.ts";
import { endOf } from "../facts/site.ts";
import type { Ring } from "./rings.ts";
import type { Shape } from "./shape.ts";
import type { Talk } from "./talk.ts";

/** How close two ends must be to be one act, ms. */
const SAME_MOMENT_MS = 400;
/** A parking follows its transfer within this, ms. */
const PARK_FOLLOWS_MS = 2_000;

/** Q.850 causes of a phone that refused by itself. */
const CAUSE_REASONS: ReadonlyMap<number, DisconnectReason> = new Map<number, DisconnectReason>([
  [1, "failed"],
  [3, "failed"],
  [17, "busy"],
  [18, "unavailable"],
  [19, "unavailable"],
  [20, "unavailable"],
  [21, "declined"],
  [27, "unavailable"],
  [34, "failed"],
  [38, "failed"],
  [41, "failed"],
  [42, "failed"],
  [44, "failed"],
  [58, "failed"],
]);
const CAUSE_ANSWERED_ELSEWHERE = 26;
const CAUSE_CALLER_GAVE_UP = 127;

export function statusOf(reason: DisconnectReason): ParticipantStatus {
  return reason === "busy" || reason === "declined" ? "busy" : "no_answer";
}

/** Why a phone that never talked stopped ringing. Null while it rings. */
export function ringReason(ring: Ring, shape: Shape): DisconnectReason | null {
  const { leg, dial, endAt } = ring;
  if (endAt === null) return null;
  if (leg === null) return "unavailable";
  if (dial !== null && dial.forward !== null) return "forwarded";
  if (shape.pickedUp.has(leg.id)) return "answered_elsewhere";
  if (leg.shutDown || (leg.lost !== null && leg.hangup === null)) return "lost";
  return byStatus(ring, leg, endAt, shape);
}

function byStatus(ring: Ring, leg: Leg, endAt: number, shape: Shape): DisconnectReason {
  const status = ring.dial?.status ?? null;
  if (status === "BUSY") return leg.hangup?.cause === 21 ? "declined" : "busy";
  if (status === "CHANUNAVAIL") return "unavailable";
  if (status === "CONGESTION") return refusal(leg) ?? "failed";
  if (status === "CANCEL") return cancelled(ring, leg, endAt, shape);
  const refused = status === "ANSWER" ? null : refusal(leg);
  return refused ?? cancelled(ring, leg, endAt, shape);
}

/** The phone's own answer, when it gave one: its Hangup's cause, if it asked for the hangup itself. */
function refusal(leg: Leg): DisconnectReason | null {
  const cause = leg.hangup?.cause ?? leg.requests.at(-1)?.cause ?? null;
  if (cause === null) return null;
  const reason = CAUSE_REASONS.get(cause) ?? null;
  // A timeout of Originate says 19 as a phone's 480 does: only the phone asks for its own hangup.
  return reason === "unavailable" && leg.requests.length === 0 ? null : reason;
}

/** Asterisk took the ringing back: because of the caller, of another who answered, or of the clock. */
function cancelled(ring: Ring, leg: Leg, endAt: number, shape: Shape): DisconnectReason {
  const cause = leg.hangup?.cause ?? null;
  if (cause === CAUSE_ANSWERED_ELSEWHERE) return "answered_elsewhere";
  if (callerLeft(ring.caller ?? shape.first, endAt)) return "caller_hangup";
  if (shape.answeredAt.get(ring.wave)?.some((at) => Math.abs(at - endAt) <= SAME_MOMENT_MS))
    return "answered_elsewhere";
  return cause === CAUSE_CALLER_GAVE_UP ? "caller_hangup" : "timeout";
}

function callerLeft(caller: Leg | null, at: number): boolean {
  if (caller === null) return false;
  return caller.requests.some((request) => request.at <= at + SAME_MOMENT_MS && at - request.at <= SAME_MOMENT_MS);
}

/** Why a leg that talked stopped talking. Null while it exists. */
export function talkReason(
  fold: CallFold,
  ring: Ring | null,
  leg: Leg,
  talk: Talk,
  shape: Shape,
): DisconnectReason | null {
  const end = endOf(leg);
  if (end === null) return null;
  if (leg.shutDown || (leg.hangup === null && leg.lost !== null)) return "lost";
  if (parked(fold, leg)) return "parked";
  if (fold.transfers.some((transfer) => transfer.by.includes(leg.id))) return "transferred";
  const talkEnd = talk.spans.get(leg.id)?.to ?? end;
  const asker = whoHungUp(leg, talk, talkEnd);
  if (asker === null || asker === leg) return "callee_hangup";
  if (shape.callType === "outgoing" && shape.isTrunk(asker)) return "callee_hangup";
  return asker === shape.first || asker === ring?.caller ? "caller_hangup" : "callee_hangup";
}

/** The transferer into a parking lot parks. */
function parked(fold: CallFold, leg: Leg): boolean {
  return fold.parks.some((park) =>
    fold.transfers.some(
      (transfer) =>
        transfer.by.includes(leg.id) && transfer.transferee === park.parkee && near(transfer.moment.at, park),
    ),
  );
}

function near(at: number, park: { from: { at: number } }): boolean {
  return Math.abs(park.from.at - at) <= PARK_FOLLOWS_MS;
}

/** The last HangupRequest among those in the leg's last conversation; none: whoever left it first. */
function whoHungUp(leg: Leg, talk: Talk, talkEnd: number): Leg | null {
  const last = talk.conversations.findLast((conversation) => conversation.legs.includes(leg));
  if (last === undefined) return null;
  let found: { leg: Leg; request: HangupRequest } | null = null;
  for (const party of last.legs) {
    for (const request of party.requests) {
      if (request.at > talkEnd + SAME_MOMENT_MS) continue;
      if (
        found === null ||
        request.at > found.request.at ||
        (request.at === found.request.at && request.order > found.request.order)
      ) {
        found = { leg: party, request };
      }
    }
  }
  return found?.leg ?? firstToLeave(last.legs);
}

function firstToLeave(legs: Leg[]): Leg | null {
  const leaving = legs.map((leg) => ({ leg, stay: leg.stays.at(-1)?.to ?? null })).filter(({ stay }) => stay !== null);
  leaving.sort((a, b) => (a.stay?.at ?? 0) - (b.stay?.at ?? 0) || (a.stay?.order ?? 0) - (b.stay?.order ?? 0));
  return leaving[0]?.leg ?? null;
}
