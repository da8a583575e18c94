import { endDial } from "./applications.ts";
import { isOpenRing, onDialEnd, tellAttempt } from "../facts/dials.ts";
import type { CallFold, Leg } from "../facts/facts.ts";
import { momentOf } from "../facts/moment.ts";
import { type CelRow, extraText, madeOf } from "./row.ts";

/** A forwarding and the hangup of the phone that asked for it are one act within this, ms. */
const FORWARD_MS_MAX = 1_000;
/** What the dialplan does after a hangup (the h extension) takes no longer, ms. */
const AFTER_HANGUP_MS_MAX = 5_000;

const CAUSE_BUSY = 17;
/** Causes by which a leg that nobody took down says that it could not be set up. */
const CAUSES_FAILED: ReadonlySet<number> = new Set([1, 3, 34, 38, 41, 42, 44, 58]);

/** A dialplan that hung up before the bridge was made leaves one for no longer than this, ms. */
const BRIDGED_IN_VAIN_MS_MAX = 100;

/** `hangupsource` names the channel whose phone asked for the hangup: the HangupRequest AMI would have sent. */
export function noteHangupSource(fold: CallFold, row: CelRow): void {
  const source = extraText(row, "hangupsource");
  if (source === null) return;
  if (source.startsWith("dialplan/")) noteDialplan(fold, row);
  for (const leg of fold.legs.values()) {
    if (leg.name !== source || leg.requests.length > 0) continue;
    const { at, order } = momentOf(fold, row.event);
    const own = leg.id === row.id ? extraText(row, "hangupcause") : null;
    leg.requests.push({ at: askedAt(fold, row, leg, at), order, cause: own === null ? null : Number(own) });
  }
}

/** The dialplan put a phone down that had not accepted the call; Asterisk still bridges it for a moment. */
function noteDialplan(fold: CallFold, row: CelRow): void {
  const leg = fold.legs.get(row.id);
  const stay = leg?.stays.at(-1);
  if (leg === undefined || stay === undefined || leg.requests.length > 0) return;
  const at = stay.to?.at ?? momentOf(fold, row.event).at;
  if (at - stay.from.at <= BRIDGED_IN_VAIN_MS_MAX) leg.stays.pop();
}

/** The phone asked when its talk or its ringing of others ended; its HANGUP comes when the dialplan is through with it. */
function askedAt(fold: CallFold, row: CelRow, leg: Leg, at: number): number {
  const talked = leg.stays.at(-1)?.to?.at ?? null;
  const gaveUp = extraText(row, "dialstatus") === "NOANSWER" ? null : (fold.dialEnds.get(leg.id) ?? null);
  const last = Math.max(talked ?? 0, gaveUp ?? 0);
  return last > 0 && at - last <= AFTER_HANGUP_MS_MAX ? Math.min(at, last) : at;
}

/** A phone that was rung is connected: its ringing was answered. */
export function endAnswered(fold: CallFold, row: CelRow): void {
  const dial = fold.dials.get(row.id);
  if (dial !== undefined && isOpenRing(dial)) tellEnd(fold, row, "ANSWER", null);
}

/** A phone that rang on without the Dial that rang it, as after a transfer, is answered: no other is meant. */
export function endLeftRinging(fold: CallFold, row: CelRow): void {
  const dial = fold.dials.get(row.id);
  if (dial !== undefined && dial.end !== null && isOpenRing(dial)) tellEnd(fold, row, "ANSWER", null);
}

/** The end of a channel that rang and was not answered says how the ringing ended. */
export function endRing(fold: CallFold, row: CelRow): void {
  const dial = fold.dials.get(row.id);
  if (dial !== undefined && isOpenRing(dial)) {
    const forward = forwardOf(fold, row, dial.caller);
    const status = forward === null ? statusOf(fold, row) : "CANCEL";
    if (dial.end === null) tellEnd(fold, row, status, forward);
    else Object.assign(dial, { status, forward });
  }
  const end = momentOf(fold, row.event);
  const status = extraText(row, "dialstatus");
  if (status === null) endDial(fold, row.id, end);
  tellAttempt(fold, row.id, status, end);
}

function tellEnd(fold: CallFold, row: CelRow, status: string | null, forward: string | null): void {
  const ev = {
    Event: "DialEnd",
    DestUniqueid: row.id,
    DestChannel: row.channel,
    ...(status === null ? {} : { DialStatus: status }),
    ...(forward === null ? {} : { Forward: forward }),
  };
  onDialEnd(fold, madeOf(row.event, ev));
}

function statusOf(fold: CallFold, row: CelRow): string | null {
  if ((fold.legs.get(row.id)?.up ?? null) !== null) return "ANSWER";
  const cause = Number(extraText(row, "hangupcause") ?? "0");
  if (extraText(row, "hangupsource") === row.channel) return cause === CAUSE_BUSY ? "BUSY" : "NOANSWER";
  return CAUSES_FAILED.has(cause) ? null : "CANCEL";
}

/**
 * Dial tells of the forwarding and then takes that phone down, before it looks at any other. Whether the phone is named as the
 * one that asked (`hangupsource`) is a race between the phone's goodbye and Dial.
 */
function forwardOf(fold: CallFold, row: CelRow, caller: string | null): string | null {
  const forward = caller === null ? undefined : fold.forwards.get(caller);
  if (forward === undefined) return null;
  const late = momentOf(fold, row.event).at - momentOf(fold, forward.event).at;
  if (late > FORWARD_MS_MAX) return null;
  fold.forwards.delete(caller ?? "");
  return forward.to;
}
