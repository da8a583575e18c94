import type { CallEvent } from "../types.ts";
import type { CallFold, Park } from "./facts.ts";
import { legOf } from "./legs.ts";
import { momentOf, text } from "./moment.ts";

/** Pickup: `Channel` takes over the ringing of `TargetChannel`. */
export function onPickup(fold: CallFold, event: CallEvent): void {
  const picker = legOf(fold, event);
  const target = legOf(fold, event, "Target");
  if (picker === null || target === null) return;
  if (fold.pickups.some((pickup) => pickup.picker === picker.id && pickup.target === target.id)) return;
  fold.pickups.push({ picker: picker.id, target: target.id, moment: momentOf(fold, event) });
}

export function onBlindTransfer(fold: CallFold, event: CallEvent): void {
  const by = legOf(fold, event, "Transferer");
  if (by === null || !succeeded(event)) return;
  fold.transfers.push({
    kind: "blind",
    by: [by.id],
    transferee: legOf(fold, event, "Transferee")?.id ?? null,
    target: null,
    exten: text(event, "Extension"),
    moment: momentOf(fold, event),
  });
}

export function onAttendedTransfer(fold: CallFold, event: CallEvent): void {
  const original = legOf(fold, event, "OrigTransferer");
  const second = legOf(fold, event, "SecondTransferer");
  if (original === null || !succeeded(event)) return;
  fold.transfers.push({
    kind: "attended",
    by: second === null ? [original.id] : [original.id, second.id],
    transferee: legOf(fold, event, "Transferee")?.id ?? null,
    target: legOf(fold, event, "TransferTarget")?.id ?? null,
    exten: second?.exten ?? null,
    moment: momentOf(fold, event),
  });
}

function succeeded(event: CallEvent): boolean {
  return (text(event, "Result") ?? "Success") === "Success";
}

export function onParkedCall(fold: CallFold, event: CallEvent): void {
  const parkee = legOf(fold, event, "Parkee");
  if (parkee === null) return;
  const open = openPark(fold, parkee.id);
  if (open !== undefined) return;
  fold.parks.push({
    parkee: parkee.id,
    parkerDial: text(event, "ParkerDialString"),
    space: text(event, "ParkingSpace"),
    from: momentOf(fold, event),
    to: null,
    retriever: null,
    outcome: "parked",
  });
}

/** UnParkedCall, ParkedCallTimeOut, ParkedCallGiveUp: how the waiting in the lot ended. */
export function onParkEnd(fold: CallFold, event: CallEvent, outcome: Park["outcome"]): void {
  const parkee = legOf(fold, event, "Parkee");
  const retriever = legOf(fold, event, "Retriever");
  const park = parkee === null ? undefined : openPark(fold, parkee.id);
  if (park === undefined) return;
  park.to = momentOf(fold, event);
  park.outcome = outcome;
  park.retriever = retriever?.id ?? null;
}

function openPark(fold: CallFold, parkee: string): Park | undefined {
  return fold.parks.find((park) => park.parkee === parkee && park.to === null);
}

/** Applications the dialplan runs on a channel, as far as they tell what the caller met. */
export function onVoicemail(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null || fold.voicemail !== null) return;
  const mailbox = (text(event, "AppData") ?? "").split(",")[0] ?? "";
  const from = momentOf(fold, event).at;
  fold.voicemail = { mailbox: mailbox.split("@")[0] || null, status: null, leg: leg.id, from };
}

export function onVoicemailStatus(fold: CallFold, event: CallEvent, value: string | null): void {
  const leg = legOf(fold, event);
  if (leg === null || value === null) return;
  fold.voicemail ??= { mailbox: null, status: null, leg: leg.id, from: momentOf(fold, event).at };
  fold.voicemail.status = value;
}

export function onMenu(fold: CallFold, event: CallEvent): void {
  if (legOf(fold, event) !== null) fold.menus.push(momentOf(fold, event));
}

export function onRecording(fold: CallFold, event: CallEvent, file: string | null): void {
  legOf(fold, event);
  if (file !== null && !fold.recordings.includes(file)) fold.recordings.push(file);
}

/** OriginateResponse names the number meant, sometimes without any channel id. */
export function onOriginateResponse(fold: CallFold, event: CallEvent): void {
  const channel = text(event, "Channel");
  if (channel === null || fold.originate !== null || !concerns(fold, event, channel)) return;
  fold.originate = { channel, exten: text(event, "Exten"), succeeded: text(event, "Response") === "Success" };
}

/** A failed Originate gives only the peer it rang: ours if we have such a channel that nobody else dialled. */
function concerns(fold: CallFold, event: CallEvent, channel: string): boolean {
  const id = text(event, "Uniqueid");
  if (id !== null) return fold.legs.has(id);
  for (const leg of fold.legs.values()) {
    const dial = fold.dials.get(leg.id);
    const originated = dial !== undefined ? dial.caller === null : leg.kind === "local" && leg.half === 1;
    if (originated && leg.up === null && leg.hangup === null && leg.name.startsWith(channel)) return true;
  }
  return false;
}
