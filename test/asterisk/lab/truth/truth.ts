import type { Row } from "../csv.ts";
import type { Played } from "../play.ts";
import type { ExpectedCall } from "../scenario.ts";
import type { SipLeg } from "../sip/wire-legs.ts";
import type { CallTruth } from "./call-truth.ts";
import { type CelChannel, channelsOf } from "./cel.ts";
import { checkPlay } from "./checks.ts";
import { type Matched, participantTruth, Sides, trunkLegTruth } from "./sides.ts";
import { talkSeconds } from "./talk.ts";

export interface Truth {
  scenario: string;
  asterisk: string;
  started: number;
  ended: number;
  marks: Played["marks"];
  note: string;
  calls: CallTruth[];
  /** What SIPp, CDR and CEL do not agree on with what was to happen; empty when the play went as written. */
  checks_failed: string[];
  sip_legs: SipLeg[];
  sipp_exit: Played["exits"];
}

/** The truth about a play: from its script, the SIP wire, CDR and CEL; never from AMI. */
export function truthOf(release: string, played: Played): Truth {
  const channels = channelsOf(played.cel);
  const sides = new Sides(played.legs, channels);
  const calls = played.scenario.calls.map((expected) => callTruth(expected, sides, channels, played.cdr));
  return {
    scenario: played.scenario.name,
    asterisk: release,
    started: played.started,
    ended: played.ended,
    marks: played.marks,
    note: played.scenario.note,
    calls,
    checks_failed: checkPlay(played, calls, sides),
    sip_legs: played.legs,
    sipp_exit: played.exits,
  };
}

function callTruth(
  expected: ExpectedCall,
  sides: Sides,
  channels: readonly CelChannel[],
  cdr: readonly Row[],
): CallTruth {
  const { participants, trunk_legs = [], facts = {}, ...plain } = expected;
  const first = sides.firstChannel(expected.first);
  const mine = channels.filter((channel) => first !== null && channel.linkedids.includes(first.uniqueid));
  const side = (who: string, kind: SipLeg["kind"]): Matched =>
    sides.take(who, kind, expected.external_number, first?.uniqueid ?? null);
  const people = participants.map((person) => ({
    person,
    side: side(person.extension, person.caller ? "uac" : "uas"),
  }));
  const trunks = trunk_legs.map((leg) => ({ leg, side: side(leg.trunk, "uas") }));
  const rows = cdr.filter(({ linkedid }) => linkedid === first?.uniqueid);
  return {
    ...plain,
    ...facts,
    talk: talkSeconds(expected, people, trunks),
    participants: people.map(({ person, side }, index) => participantTruth(person, index + 1, side)),
    trunk_legs: trunks.map(({ leg, side }) => trunkLegTruth(leg, side)),
    uniqueid: first?.uniqueid ?? null,
    linkedid: first?.uniqueid ?? null,
    linkedids_seen: first === null ? [] : [first.uniqueid],
    all_uniqueids: mine.map(({ uniqueid }) => uniqueid),
    channels: mine.map(({ name }) => name),
    start_time: first?.start ?? null,
    end_time: first === null ? null : endOf(mine, first.uniqueid),
    cdr_rows: rows.map(cdrLine),
    cdr_says_answered: rows.some(({ disposition }) => disposition === "ANSWERED"),
  };
}

/** The last hangup of the channels that were still this call's when they went. */
function endOf(channels: readonly CelChannel[], linkedid: string): number | null {
  const ends = channels.filter(({ linkedids }) => linkedids.at(-1) === linkedid).flatMap(({ hangup }) => hangup ?? []);
  return ends.length === 0 ? null : Math.max(...ends);
}

function cdrLine(row: Row): string {
  const { src, dst, channel, dstchannel, lastapp, disposition, duration, billsec, sequence } = row;
  return `${src}>${dst} ${channel}>${dstchannel} ${lastapp} ${disposition} dur ${duration} bill ${billsec} seq ${sequence}`;
}
