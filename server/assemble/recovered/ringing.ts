import { header } from "../../../shared/ami-event.ts";
import { onDialApplication, onDialBegin } from "../facts/dials.ts";
import type { CallFold, DialAttempt, Leg } from "../facts/facts.ts";
import { noteNumber } from "../facts/legs.ts";
import { text } from "../facts/moment.ts";
import { parseDialTarget } from "../names.ts";
import { type CelRow, madeOf } from "./row.ts";

/** Who rings a channel, and what it was asked to reach. */
interface Dialler {
  leg: Leg;
  target: string | null;
  queue: string | null;
}

/** A channel made for another's call: somebody rings it, or one half of a Local pair waits for the other. */
export function beginRing(fold: CallFold, row: CelRow, leg: Leg): void {
  const begun = fold.dials.get(leg.id)?.begin ?? null;
  if (leg.kind === "helper" || leg.half === 2 || begun !== null) return;
  const dialler = diallerOf(fold, leg, row.linkedid);
  if (dialler === null) return;
  const { leg: caller, target, queue } = dialler;
  const ev = {
    Event: "DialBegin",
    Uniqueid: caller.id,
    Channel: caller.name,
    Exten: dialledFrom(fold, caller.id) ?? "",
    DestUniqueid: leg.id,
    DestChannel: leg.name,
    DestCallerIDNum: header(row.event.ev, "CallerIDnum") ?? "",
    DialString: target?.replace(/^[^/]+\//, "") ?? "",
  };
  // Without a row of its own the dialling is another than the one before.
  if (queue === null && !fold.openAttempts.has(caller.id))
    onDialApplication(fold, madeOf(row.event, { ...ev, AppData: "" }));
  onDialBegin(fold, madeOf(row.event, ev));
  if (queue !== null && !fold.agents.has(leg.id)) fold.agents.set(leg.id, { queue, interface: null, member: null });
}

/** Where in the dialplan the channel is, by the application it runs: as a row tells it, or as it was heard. */
function dialledFrom(fold: CallFold, caller: string): string | null {
  const heard = fold.openAttempts.get(caller)?.start.event;
  return fold.running.get(caller)?.exten ?? (heard === undefined ? null : text(heard, "Exten"));
}

/** Nobody of this call rang it: a server (Originate, a call file) did, from the moment it was made. */
export function noteOriginated(fold: CallFold, row: CelRow): void {
  const leg = fold.legs.get(row.id);
  if (leg === undefined) return;
  noteNumber(leg, header(row.event.ev, "CallerIDnum") ?? null);
  const begin = leg.created ?? leg.first;
  const known = fold.dials.get(leg.id);
  if (known?.caller === null) known.begin ??= begin;
  if (known !== undefined) return;
  leg.placed = false;
  const end = leg.up;
  const status = end === null ? null : "ANSWER";
  fold.dials.set(leg.id, {
    dest: leg.id,
    caller: null,
    dialString: null,
    exten: null,
    begin,
    end,
    status,
    forward: null,
  });
}

/** By what is being dialled; else the queue, the forwarded or unnamed dialling that goes on, or the call's first channel. */
function diallerOf(fold: CallFold, leg: Leg, linkedid: string | null): Dialler | null {
  const free = (id: string): Leg | null => {
    const known = fold.legs.get(id);
    return known === undefined || known.id === leg.id || known.hangup !== null || isTalking(fold, known) ? null : known;
  };
  const attempts = [...fold.openAttempts.values()].toSorted((a, b) => b.start.order - a.start.order);
  for (const attempt of attempts) {
    const caller = free(attempt.caller);
    const target = targetOf(attempt, leg);
    if (caller !== null && target !== null) return { leg: caller, target, queue: null };
  }
  const visit = fold.queues.findLast(({ leg: id, to }) => to === null && free(id) !== null);
  const waiting = visit === undefined ? null : free(visit.leg);
  if (visit !== undefined && waiting !== null) return { leg: waiting, target: null, queue: visit.queue };
  const others = [...attempts.map(({ caller }) => caller), ...fold.running.keys(), ...unnamed(fold), linkedid ?? ""];
  for (const id of others) {
    const caller = free(id);
    if (caller !== null) return { leg: caller, target: null, queue: null };
  }
  return null;
}

/** Far halves of Local pairs, the youngest first: where applications are not logged, they are what rings a phone. */
function unnamed(fold: CallFold): string[] {
  return [...fold.legs.values()]
    .filter((leg) => leg.half === 2)
    .map((leg) => leg.id)
    .toReversed();
}

function targetOf(attempt: DialAttempt, leg: Leg): string | null {
  const asked = (attempt.data.split(",")[0] ?? "").split("&").find((text) => {
    const target = parseDialTarget(text);
    return target !== null && target.peer === leg.peer && (target.tech === "" || target.tech === leg.tech);
  });
  return asked ?? null;
}

/** In a bridge with others a channel dials nobody. */
function isTalking(fold: CallFold, leg: Leg): boolean {
  const stay = leg.stays.at(-1);
  return stay !== undefined && stay.to === null && !fold.holdingBridges.has(stay.bridge);
}
