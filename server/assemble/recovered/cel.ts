import type { AmiEvent } from "../../../shared/ami-event.ts";
import { header } from "../../../shared/ami-event.ts";
import { onBridgeEnter, onBridgeLeave } from "../facts/bridges.ts";
import { closeAttempt } from "../facts/dials.ts";
import type { CallFold, Dial, Leg } from "../facts/facts.ts";
import { onAttendedTransfer, onBlindTransfer, onParkedCall, onParkEnd, onPickup } from "../facts/features.ts";
import { noteNumber, onChannelNews, onDigit, onHangup, onNewchannel, onRename } from "../facts/legs.ts";
import { clockTime, momentOf } from "../facts/moment.ts";
import { onConferenceJoin, onConferenceLeave } from "../facts/queues.ts";
import { parseChannelName } from "../names.ts";
import type { CallEvent } from "../types.ts";
import { onApplicationEnd, onApplicationStart } from "./applications.ts";
import { beginRing, noteOriginated } from "./ringing.ts";
import { endAnswered, endLeftRinging, endRing, noteHangupSource } from "./partings.ts";
import { celRowOf, type CelRow, conferenceOf, extraText, madeOf, ORIGINATED, peersOf } from "./row.ts";

/** Asterisk takes the ringing back and makes the new connection within this, ms. */
const JUST_NOW_MS = 1_000;

type RowHandler = (fold: CallFold, row: CelRow) => void;

/** What the rows of a channel event log mean: each is told as the AMI event Asterisk would have sent at that moment. */
const ROWS: ReadonlyMap<string, RowHandler> = new Map<string, RowHandler>([
  ["CHAN_START", onChannelStart],
  ["ANSWER", onAnswer],
  ["BRIDGE_ENTER", onEnter],
  ["BRIDGE_EXIT", onExit],
  ["HANGUP", onEnd],
  ["CHAN_END", onEnd],
  ["APP_START", onApplicationStart],
  ["APP_END", onApplicationEnd],
  ["FORWARD", onForward],
  ["PICKUP", onPickedUp],
  ["BLINDTRANSFER", onBlind],
  ["ATTENDEDTRANSFER", onAttended],
  ["PARK_START", onPark],
  ["PARK_END", onParkOver],
  ["DTMF", onPressed],
]);

/** A CEL row: only what the agent read from Asterisk's files counts; the same event off a live session tells nothing new. */
export function onCelRow(fold: CallFold, event: CallEvent): void {
  if (event.origin !== "recovered") return;
  const row = celRowOf(event);
  if (row === undefined) return;
  if (conferenceOf(row) !== null && !fold.keys.has(row.id)) return onConference(fold, row);
  noteName(fold, row);
  ROWS.get(row.name)?.(fold, row);
  if (row.application === ORIGINATED) noteOriginated(fold, row);
}

/** The headers by which a channel is known, as AMI spells them. */
function channel(row: CelRow): Omit<AmiEvent, "Event"> {
  const { ev } = row.event;
  return {
    Uniqueid: row.id,
    Linkedid: row.linkedid ?? "",
    Channel: row.channel,
    CallerIDNum: header(ev, "CallerIDnum") ?? "",
    CallerIDName: header(ev, "CallerIDname") ?? "",
    Exten: header(ev, "Exten") ?? "",
    Context: header(ev, "Context") ?? "",
  };
}

function told(row: CelRow, Event: string, more: Record<string, string | null> = {}): CallEvent {
  const ev: AmiEvent = { Event, ...channel(row) };
  for (const [name, value] of Object.entries(more)) if (value !== null) ev[name] = value;
  return madeOf(row.event, ev);
}

/** Another name than before: a masquerade put the channel into another's place. */
function noteName(fold: CallFold, row: CelRow): void {
  const leg = fold.legs.get(row.id);
  if (leg !== undefined && leg.name !== row.channel) onRename(fold, told(row, "Rename", { Newname: row.channel }));
}

function onChannelStart(fold: CallFold, row: CelRow): void {
  onNewchannel(fold, told(row, "Newchannel"));
  const leg = fold.legs.get(row.id);
  if (leg === undefined) return;
  // A channel that was made for another's call bears that call's Linkedid from the first.
  if (row.linkedid === row.id) leg.placed ||= leg.kind === "real";
  else beginRing(fold, row, leg);
}

function onAnswer(fold: CallFold, row: CelRow): void {
  endLeftRinging(fold, row);
  onChannelNews(fold, told(row, "Newstate", { ChannelState: "6" }));
}

function bridgeOf(row: CelRow): Record<string, string | null> {
  return {
    // Without Extra nobody says which bridge: one a call is the next best.
    BridgeUniqueid: extraText(row, "bridge_id") ?? `call ${row.linkedid ?? row.id}`,
    BridgeTechnology: extraText(row, "bridge_technology"),
  };
}

function onEnter(fold: CallFold, row: CelRow): void {
  endAnswered(fold, row);
  onBridgeEnter(fold, told(row, "BridgeEnter", bridgeOf(row)));
  notePickup(fold, row);
  onConference(fold, row);
}

function onExit(fold: CallFold, row: CelRow): void {
  onBridgeLeave(fold, told(row, "BridgeLeave", bridgeOf(row)));
  onConference(fold, row);
}

/** Where pickups are not logged: who called in and now bears the name of an outgoing line took another phone's place. */
function notePickup(fold: CallFold, row: CelRow): void {
  const own = fold.legs.get(row.id);
  const isLine = row.application === "AppDial" || row.application === "AppQueue";
  if (own !== undefined && isLine && own.placed && !fold.dials.has(own.id)) fold.takers.add(own.id);
  const bridge = own?.stays.at(-1)?.bridge;
  const here = [...fold.legs.values()].filter(
    ({ stays }) => stays.at(-1)?.bridge === bridge && stays.at(-1)?.to === null,
  );
  const now = clockTime(row.event);
  for (const taker of here.filter(({ id }) => fold.takers.has(id))) {
    const rung = [...fold.dials.values()].find(
      (dial) => rangNow(dial, now) && here.some(({ id }) => id === dial.caller),
    );
    const target = rung === undefined ? undefined : fold.legs.get(rung.dest);
    if (target === undefined) continue;
    fold.takers.delete(taker.id);
    const ev = { Event: "Pickup", Uniqueid: taker.id, Channel: taker.name };
    onPickup(fold, madeOf(row.event, { ...ev, TargetUniqueid: target.id, TargetChannel: target.name }));
  }
}

/** It rings, or rang until just now and nobody answered it. */
function rangNow({ status, end }: Dial, now: number): boolean {
  return status !== "ANSWER" && (end === null || now - end.at <= JUST_NOW_MS);
}

/** Also rows of other calls: a conference joins people, not channels of one call. */
function onConference(fold: CallFold, row: CelRow): void {
  const name = conferenceOf(row);
  if (name === null) return;
  const people = peersOf(row).filter((peer) => parseChannelName(peer).kind === "real");
  const more = {
    Conference: name,
    BridgeUniqueid: extraText(row, "bridge_id"),
    // The announcer is one of the channels in a conference AMI counts.
    BridgeNumChannels: String(people.length + 2),
  };
  if (row.name === "BRIDGE_ENTER") onConferenceJoin(fold, told(row, "ConfbridgeJoin", more));
  else onConferenceLeave(fold, told(row, "ConfbridgeLeave", more));
}

function onEnd(fold: CallFold, row: CelRow): void {
  const leg: Leg | undefined = fold.legs.get(row.id);
  noteHangupSource(fold, row);
  endRing(fold, row);
  if (leg !== undefined && row.application === ORIGINATED) noteNumber(leg, header(row.event.ev, "CallerIDnum") ?? null);
  onHangup(fold, told(row, "Hangup", { Cause: extraText(row, "hangupcause") }));
}

/** Which of the ringing phones sent the call on shows when it hangs up. */
function onForward(fold: CallFold, row: CelRow): void {
  const to = extraText(row, "forward");
  if (to !== null) fold.forwards.set(row.id, { to, event: row.event });
}

function onPickedUp(fold: CallFold, row: CelRow): void {
  const ev = {
    Event: "Pickup",
    Uniqueid: extraText(row, "pickup_channel_uniqueid") ?? idOf(fold, extraText(row, "pickup_channel")) ?? "",
    Channel: extraText(row, "pickup_channel") ?? "",
    TargetUniqueid: row.id,
    TargetChannel: row.channel,
  };
  fold.takers.delete(ev.Uniqueid);
  onPickup(fold, madeOf(row.event, ev));
}

function transferee(row: CelRow): Record<string, string> {
  return {
    TransfereeUniqueid: extraText(row, "transferee_channel_uniqueid") ?? "",
    TransfereeChannel: extraText(row, "transferee_channel_name") ?? "",
  };
}

function onBlind(fold: CallFold, row: CelRow): void {
  const ev = {
    Event: "BlindTransfer",
    TransfererUniqueid: row.id,
    TransfererChannel: row.channel,
    Extension: extraText(row, "extension") ?? "",
    ...transferee(row),
  };
  onBlindTransfer(fold, madeOf(row.event, ev));
}

function onAttended(fold: CallFold, row: CelRow): void {
  const ev = {
    Event: "AttendedTransfer",
    OrigTransfererUniqueid: row.id,
    OrigTransfererChannel: row.channel,
    SecondTransfererUniqueid: extraText(row, "channel2_uniqueid") ?? "",
    SecondTransfererChannel: extraText(row, "channel2_name") ?? "",
    TransferTargetUniqueid: extraText(row, "transfer_target_channel_uniqueid") ?? "",
    TransferTargetChannel: extraText(row, "transfer_target_channel_name") ?? "",
    ...transferee(row),
  };
  onAttendedTransfer(fold, madeOf(row.event, ev));
}

function parkee(row: CelRow): { ParkeeUniqueid: string; ParkeeChannel: string } {
  return { ParkeeUniqueid: row.id, ParkeeChannel: row.channel };
}

function onPark(fold: CallFold, row: CelRow): void {
  const ParkerDialString = extraText(row, "parker_dial_string") ?? "";
  const event = madeOf(row.event, { Event: "ParkedCall", ...parkee(row), ParkerDialString });
  // What rings for it from now on, rings for the parking lot.
  closeAttempt(fold, row.id, "ANSWER", momentOf(fold, event));
  onParkedCall(fold, event);
}

function onParkOver(fold: CallFold, row: CelRow): void {
  const reason = extraText(row, "reason") ?? "";
  const retriever = extraText(row, "retriever");
  const outcome = /timeout/i.test(reason) ? "timeout" : /giveup/i.test(reason) ? "given_up" : "retrieved";
  const ev: AmiEvent = { Event: "UnParkedCall", ...parkee(row) };
  const id = idOf(fold, retriever);
  if (id !== null && retriever !== null) Object.assign(ev, { RetrieverUniqueid: id, RetrieverChannel: retriever });
  onParkEnd(fold, madeOf(row.event, ev), outcome);
}

function onPressed(fold: CallFold, row: CelRow): void {
  onDigit(fold, told(row, "DTMFEnd", { Digit: extraText(row, "digit") }));
}

function idOf(fold: CallFold, name: string | null): string | null {
  for (const leg of fold.legs.values()) if (leg.name === name) return leg.id;
  return null;
}
