import { header } from "../../../shared/ami-event.ts";
import { closeAttempt, onDialApplication } from "../facts/dials.ts";
import type { CallFold, Dial, Moment } from "../facts/facts.ts";
import { onMenu, onRecording, onVoicemail } from "../facts/features.ts";
import { momentOf } from "../facts/moment.ts";
import { onQueueEnd, onQueueJoin } from "../facts/queues.ts";
import { internalNumberIn, isInternalNumber, parseDialArguments } from "../names.ts";
import type { CallEvent } from "../types.ts";
import { type CelRow, madeOf } from "./row.ts";

/** Applications that ring others. */
const DIALLING: ReadonlySet<string> = new Set(["Dial", "Queue", "FollowMe", "RetryDial", "Page"]);

/** Applications a row of which says something about the call. */
export const TELLING_APPLICATIONS: ReadonlySet<string> = new Set([
  ...DIALLING,
  "VoiceMail",
  "BackGround",
  "Background",
  "Read",
  "MixMonitor",
  "ConfBridge",
]);

export function onApplicationStart(fold: CallFold, row: CelRow): void {
  const { application, id } = row;
  if (application === null) return;
  const event = applied(row);
  if (DIALLING.has(application)) fold.running.set(id, { exten: header(row.event.ev, "Exten") ?? null });
  if (application === "Dial" || application === "RetryDial") {
    noteMeant(fold, row);
    endDial(fold, id, momentOf(fold, event));
    onDialApplication(fold, event);
  }
  if (application === "Queue") onQueueJoin(fold, event);
  else if (application === "VoiceMail") onVoicemail(fold, event);
  else if (application === "MixMonitor") onRecording(fold, event, row.data.split(",")[0] || null);
  else if (application === "BackGround" || application === "Background" || application === "Read") onMenu(fold, event);
}

/** Dial without anything to dial: the phone has no address. Who was meant, the Local channel's name or the number dialled says. */
function noteMeant(fold: CallFold, { id, data }: CelRow): void {
  const leg = fold.legs.get(id);
  if (leg === undefined || parseDialArguments(data).length > 0 || fold.extToCall.has(id)) return;
  const meant = leg.kind === "local" ? internalNumberIn(leg.peer) : isInternalNumber(leg.exten) ? leg.exten : null;
  if (meant !== null) fold.extToCall.set(id, meant);
}

export function onApplicationEnd(fold: CallFold, row: CelRow): void {
  const { application, id } = row;
  const event = applied(row);
  fold.running.delete(id);
  if (application === "Queue") onQueueEnd(fold, event, "left");
  if (application !== "Dial") return;
  const end = momentOf(fold, event);
  fold.dialEnds.set(id, end.at);
  endDial(fold, id, end);
}

/** What a Dial rang is over with it, though the channels are taken apart a moment later. */
export function endDial(fold: CallFold, caller: string, end: Moment): void {
  if (!fold.openAttempts.has(caller)) return;
  const rung = rungBy(fold, caller);
  closeAttempt(fold, caller, isRepeated(fold, caller) ? "ANSWER" : statusOf(rung), end);
  for (const dial of rung) dial.end ??= end;
}

/** What the Dial that runs in a channel has rung. */
function rungBy(fold: CallFold, caller: string): Dial[] {
  return rungSince(fold, caller, fold.openAttempts.get(caller)?.start.order ?? Infinity);
}

function rungSince(fold: CallFold, caller: string, order: number): Dial[] {
  return [...fold.dials.values()].filter((dial) => dial.caller === caller && (dial.begin?.order ?? -1) >= order);
}

/** When a channel is transferred out of an answered Dial, Newexten of that Dial comes once more. */
function isRepeated(fold: CallFold, caller: string): boolean {
  const [before, last] = fold.attempts.filter((attempt) => attempt.caller === caller).slice(-2);
  const isSame = last !== undefined && before?.data === last.data;
  return isSame && before.status === "ANSWER" && rungSince(fold, caller, last.start.order).length === 0;
}

/** What Dial came to, as far as the channels it made show; the last one's word stands in its caller's HANGUP. */
function statusOf(rung: readonly Dial[]): string | null {
  if (rung.some((dial) => dial.status === "ANSWER")) return "ANSWER";
  return rung.length === 0 ? "CHANUNAVAIL" : null;
}

function applied(row: CelRow): CallEvent {
  const [queue = ""] = row.application === "Queue" ? row.data.split(",") : [];
  return madeOf(row.event, {
    Event: "Newexten",
    Uniqueid: row.id,
    Linkedid: row.linkedid ?? "",
    Channel: row.channel,
    Application: row.application ?? "",
    AppData: row.data,
    Queue: queue,
  });
}
