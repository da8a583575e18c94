import { parseDialArguments } from "../names.ts";
import type { CallEvent } from "../types.ts";
import type { CallFold, Dial, DialAttempt, Moment } from "./facts.ts";
import { legOf, noteNumber, noteState } from "./legs.ts";
import { momentOf, text } from "./moment.ts";

export function onDialBegin(fold: CallFold, event: CallEvent): void {
  const dial = dialOf(fold, event);
  if (dial === null || dial.begin !== null) return;
  dial.begin = momentOf(fold, event);
  dial.dialString = text(event, "DialString");
  dial.exten = text(event, "Exten");
}

/** The first word on how the ringing ended counts: queues repeat it with less meaning. */
export function onDialEnd(fold: CallFold, event: CallEvent): void {
  const dial = dialOf(fold, event);
  if (dial === null || !isOpenRing(dial)) return;
  dial.end = momentOf(fold, event);
  dial.status = text(event, "DialStatus");
  dial.forward = text(event, "Forward");
}

/** Not ended; or only with the Dial that rang it, as a row tells it: a transfer lets it ring on without. */
export function isOpenRing(dial: Dial): boolean {
  return dial.end === null || (dial.status === null && dial.end.event.row !== undefined);
}

/** DialState: nothing but proof that both channels exist. */
export function onDialState(fold: CallFold, event: CallEvent): void {
  dialOf(fold, event);
}

function dialOf(fold: CallFold, event: CallEvent): Dial | null {
  const caller = legOf(fold, event);
  const dest = legOf(fold, event, "Dest");
  if (dest === null) return null;
  noteState(dest, event, "Dest", momentOf(fold, event));
  noteNumber(dest, text(event, "DestCallerIDNum"));
  const known = fold.dials.get(dest.id);
  if (known !== undefined) return known;
  const dial: Dial = {
    dest: dest.id,
    caller: caller?.id ?? null,
    dialString: null,
    exten: null,
    begin: null,
    end: null,
    status: null,
    forward: null,
  };
  fold.dials.set(dest.id, dial);
  return dial;
}

/** Newexten of Dial: the only word about phones that never get a channel. */
export function onDialApplication(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  if (leg === null) return;
  const start = momentOf(fold, event);
  closeAttempt(fold, leg.id, null, start);
  const attempt: DialAttempt = {
    caller: leg.id,
    start,
    targets: parseDialArguments(text(event, "AppData") ?? ""),
    data: text(event, "AppData") ?? "",
    extToCall: fold.extToCall.get(leg.id) ?? null,
    status: null,
    end: null,
  };
  fold.attempts.push(attempt);
  fold.openAttempts.set(leg.id, attempt);
}

/** The run is over; `status` null: how, is not known (yet). */
export function closeAttempt(fold: CallFold, leg: string, status: string | null, end: DialAttempt["end"]): void {
  const open = fold.openAttempts.get(leg);
  if (open === undefined) return;
  open.status ??= status;
  open.end ??= end;
  fold.openAttempts.delete(leg);
}

/** The last run of Dial in a channel is told how it ended by what the channel's own end says. */
export function tellAttempt(fold: CallFold, leg: string, status: string | null, end: Moment): void {
  closeAttempt(fold, leg, status, end);
  const last = fold.attempts.findLast((attempt) => attempt.caller === leg);
  if (last !== undefined) last.status ??= status;
}

/** DIALSTATUS is emptied when Dial starts and filled when it ends. */
export function onDialStatus(fold: CallFold, event: CallEvent, value: string | null): void {
  const leg = legOf(fold, event);
  if (leg !== null && value !== null) closeAttempt(fold, leg.id, value, momentOf(fold, event));
}

export function onExtToCall(fold: CallFold, event: CallEvent, value: string | null): void {
  const leg = legOf(fold, event);
  if (leg !== null && value !== null) fold.extToCall.set(leg.id, value);
}
