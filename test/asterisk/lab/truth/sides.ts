import type { ExpectedParticipant, ExpectedTrunkLeg } from "../scenario.ts";
import type { SipLeg } from "../sip/wire-legs.ts";
import { type CelChannel, peerOf } from "./cel.ts";

/** A SIP leg and the channel it was to Asterisk; either may be missing. */
export interface Matched {
  leg: SipLeg | null;
  channel: CelChannel | null;
}

export interface ParticipantTruth {
  extension: string;
  status: string;
  ring_order: number;
  wave: number;
  disconnect_reason: string;
  caller?: boolean;
  dial_start?: number;
  answer_time?: number | null;
  hangup_time?: number | null;
  ring_duration?: number;
  [fact: string]: unknown;
}

export interface TrunkLegTruth {
  trunk: string;
  status: string;
  dial_start?: number;
  answer_time?: number | null;
  hangup_time?: number | null;
  [fact: string]: unknown;
}

/** A leg's INVITE and its channel's CHAN_START are this close. */
const SAME_SECONDS_MAX = 1.5;
/** After REFER Asterisk lets the SIP dialog live on; then CEL knows when the channel went. */
const LATE_BYE_SECONDS = 1;

/** Deals out the SIP legs and channels of a play, each once, in the order they began. */
export class Sides {
  readonly #legs: SipLeg[];
  readonly #channels: CelChannel[];
  readonly #firsts = new Set<CelChannel>();

  constructor(legs: readonly SipLeg[], channels: readonly CelChannel[]) {
    this.#legs = [...legs];
    this.#channels = [...channels];
  }

  /** The first channel of a call, by peer, caller number and dialled extension. */
  firstChannel(first: { chan: string; cid?: string; exten?: string }): CelChannel | null {
    const found = this.#channels.find(
      (channel) =>
        !this.#firsts.has(channel) &&
        channel.linkedids[0] === channel.uniqueid &&
        peerOf(channel.name) === first.chan &&
        (first.cid === undefined || channel.callerNumber === first.cid) &&
        (first.exten === undefined || channel.exten === first.exten),
    );
    if (found !== undefined) this.#firsts.add(found);
    return found ?? null;
  }

  /** The next leg of a phone or trunk in this direction, one with that number if there is one, and its channel. */
  take(who: string, kind: SipLeg["kind"], number: string | null, linkedid: string | null): Matched {
    const fits = (leg: SipLeg): boolean => leg.who === who && leg.kind === kind;
    const numbered = this.#legs.findIndex((leg) => fits(leg) && (leg.from === number || leg.to === number));
    const leg = takeAt(this.#legs, numbered >= 0 ? numbered : this.#legs.findIndex(fits));
    if (leg === null) return { leg: null, channel: null };
    const near = ({ name, start }: CelChannel): boolean =>
      peerOf(name) === who && Math.abs(start - leg.invite) < SAME_SECONDS_MAX;
    const own = this.#channels.findIndex((one) => near(one) && linkedid !== null && one.linkedids.includes(linkedid));
    return { leg, channel: takeAt(this.#channels, own >= 0 ? own : this.#channels.findIndex(near)) };
  }

  /** Called phones nobody has claimed. */
  unclaimed(): SipLeg[] {
    return this.#legs.filter(({ kind }) => kind === "uas");
  }
}

function takeAt<T>(list: T[], index: number): T | null {
  return index < 0 ? null : (list.splice(index, 1)[0] ?? null);
}

export function participantTruth(
  expected: ExpectedParticipant,
  ringOrder: number,
  { leg, channel }: Matched,
): ParticipantTruth {
  const { extension, status, wave, disconnect_reason, caller } = expected;
  const known = { extension, status, ring_order: ringOrder, wave, disconnect_reason, ...(caller ? { caller } : {}) };
  if (leg === null) return known;
  return { ...known, ...timesOf(leg, channel), ...(caller ? {} : ringing(leg)) };
}

export function trunkLegTruth(expected: ExpectedTrunkLeg, { leg, channel }: Matched): TrunkLegTruth {
  return leg === null ? { ...expected } : { ...expected, ...timesOf(leg, channel), ...ringing(leg) };
}

function timesOf(leg: SipLeg, channel: CelChannel | null): Record<string, unknown> {
  const hangup = hangupOf(leg, channel);
  const answer = leg.answer ?? null;
  return {
    dial_start: leg.invite,
    answer_time: answer,
    hangup_time: hangup.at,
    ...(hangup.from === "CEL" ? { hangup_from: "CEL" } : {}),
    ...(answer !== null && hangup.at !== null ? { talk: tenths(hangup.at - answer) } : {}),
    ...(leg.final === undefined ? {} : { sip_final: leg.final }),
    ...(leg.cancelReason === undefined ? {} : { cancel_reason_header: leg.cancelReason }),
    ...(channel === null ? {} : channelFacts(channel)),
  };
}

function channelFacts(channel: CelChannel): Record<string, unknown> {
  const { name, uniqueid, answer, hangup, start, hangupExtra, linkedids } = channel;
  const end = answer ?? hangup;
  return {
    channel: name,
    uniqueid,
    ...(end === null ? {} : { cel_ring: tenths(end - start) }),
    cel_hangup: hangupExtra,
    cel_linkedids: linkedids,
  };
}

export function hangupOf(leg: SipLeg, channel: CelChannel | null): { at: number | null; from: "SIP" | "CEL" } {
  const wire = leg.bye ?? leg.cancel ?? leg.finalAt ?? null;
  const cel = channel?.hangup ?? null;
  if (cel !== null && (wire === null || wire - cel > LATE_BYE_SECONDS)) return { at: cel, from: "CEL" };
  return { at: wire, from: "SIP" };
}

function ringing(leg: SipLeg): { ring_duration?: number } {
  const end = leg.answer ?? leg.cancel ?? leg.finalAt;
  return end === undefined ? {} : { ring_duration: tenths(end - leg.invite) };
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
