import type { Played } from "../play.ts";
import type { ParticipantTruth, Sides, TrunkLegTruth } from "./sides.ts";
import type { CallTruth } from "./call-truth.ts";

const RING_SECONDS_APART_MAX = 0.6;
/** SIP finals each participant status allows. */
const FINALS: Readonly<Record<string, readonly number[]>> = {
  busy: [486, 600, 603],
  no_answer: [302, 404, 408, 480, 487, 500, 503],
};

/** What went otherwise than written: the script against the SIP wire, CEL and CDR. */
export function checkPlay(played: Played, calls: readonly CallTruth[], sides: Sides): string[] {
  const unclaimed = sides.unclaimed().map(({ who }) => `the phone of ${who} was rung, and no call says so`);
  const marks = played.marks.filter(({ what }) => /REFER .*: (?!2\d\d)|channels were left/.test(what));
  return [...calls.flatMap(checkCall), ...unclaimed, ...marks.map(({ what }) => what)];
}

function checkCall(call: CallTruth): string[] {
  const failed: string[] = [];
  const say = (what: string): void => void failed.push(`${call.label}: ${what}`);
  if (call.uniqueid === null) say("no channel in CEL begins this call");
  const isCut = call["hangup_by"] === "pbx crash";
  if (!isCut && call.cdr_rows.length === 0) say("no row in CDR");
  if (!isCut && call.end_time === null) say("no hangup in CEL");
  const talked = call.direction === "outgoing" ? call.trunk_legs : call.participants;
  const answered = talked.some(({ status }) => status === "answered");
  if (answered && !isCut && !call.cdr_says_answered) say("answered, and CDR does not say so");
  if (
    call["conference"] === undefined &&
    call["merged_into"] === undefined &&
    answered !== (call.call_status === "answered")
  ) {
    say(`call_status ${call.call_status} does not fit its legs`);
  }
  call.participants.forEach((person) => checkSide(person.extension, person, say));
  call.trunk_legs.forEach((leg) => checkSide(leg.trunk, leg, say));
  return failed;
}

function checkSide(who: string, person: ParticipantTruth | TrunkLegTruth, say: (what: string) => void): void {
  if (person.dial_start === undefined) {
    if (person["disconnect_reason"] !== "unavailable") say(`the phone of ${who} was never rung`);
    return;
  }
  const answered = (person.answer_time ?? null) !== null;
  if (answered !== (person.status === "answered"))
    say(`${who} ${answered ? "answered" : "did not answer"} on the wire`);
  const finals = FINALS[person.status];
  const final = person["sip_final"];
  if (finals !== undefined && typeof final === "number" && !finals.includes(final)) say(`${who} ended with ${final}`);
  const celRing = person["cel_ring"];
  const wireRing = person["ring_duration"];
  if (typeof wireRing !== "number" || typeof celRing !== "number") return;
  if (Math.abs(celRing - wireRing) > RING_SECONDS_APART_MAX) {
    say(`${who} rang ${wireRing} s by SIP and ${celRing} s by CEL`);
  }
}
