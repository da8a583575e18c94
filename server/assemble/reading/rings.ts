import type { CallFold, Dial, DialAttempt, Leg, Moment } from "../facts/facts.ts";
import { endOf } from "../facts/site.ts";
import type { Directory } from "../types.ts";
import { internalNumberIn, isInternalNumber, type DialTarget } from "../names.ts";
import { roleOf, roleOfTarget, type Role, type Roles } from "./directory.ts";

/** One phone or far end that was rung, or would have been had it existed. */
export interface Ring {
  role: Role;
  /** Null when no channel was ever made. */
  leg: Leg | null;
  dial: Dial | null;
  /** The dialplan run that asked for it, when the dialplan is visible. */
  attempt: DialAttempt | null;
  /** The real channel on whose behalf it rang, through any Local channels. */
  caller: Leg | null;
  /** The extension a forwarding chain speaks for (`Local/FMPR-156@..`), when it shows. */
  via: string | null;
  start: Moment;
  /** Null when the beginning was not seen. */
  startAt: number | null;
  endAt: number | null;
  position: number;
  wave: number;
}

/** Everything that was rung, in the order the dialling began, with waves numbered. */
export function readRings(fold: CallFold, roles: Roles, directory: Directory): Ring[] {
  const rings = [...dialledRings(fold, roles), ...unseenDials(fold, roles)];
  rings.push(...missingPhones(fold, roles, directory, rings));
  rings.sort(compareRings);
  numberWaves(rings);
  return rings;
}

function compareRings(a: Ring, b: Ring): number {
  const sameRun = a.attempt !== null && a.attempt === b.attempt;
  if (sameRun) return a.position - b.position || a.start.order - b.start.order;
  return keyTime(a) - keyTime(b) || keyOrder(a) - keyOrder(b);
}

/** Rings of one Dial are placed by its beginning, so that phones without a channel stand among the others. */
function keyTime(ring: Ring): number {
  return ring.attempt?.start.at ?? ring.start.at;
}

function keyOrder(ring: Ring): number {
  return ring.attempt?.start.order ?? ring.start.order;
}

function dialledRings(fold: CallFold, roles: Roles): Ring[] {
  const rings: Ring[] = [];
  for (const dial of fold.dials.values()) {
    const leg = fold.legs.get(dial.dest);
    if (leg === undefined || (dial.begin === null && !leg.dialled)) continue;
    if (leg.kind === "local") {
      const silent = silentLocal(fold, dial, leg);
      if (silent !== null) rings.push(silent);
    } else if (leg.kind === "real") rings.push(ringOf(fold, roles, dial, leg));
  }
  return rings;
}

function ringOf(fold: CallFold, roles: Roles, dial: Dial, leg: Leg): Ring {
  const start = dial.begin ?? leg.created ?? leg.first;
  const attempt = attemptOf(fold, dial, start);
  const chain = climb(fold, dial);
  return {
    role: roleOf(roles, leg),
    leg,
    dial,
    attempt: chain.caller?.id === attempt?.caller ? attempt : null,
    caller: chain.caller,
    via: chain.via,
    start,
    startAt: dial.begin?.at ?? leg.created?.at ?? leg.startEstimate,
    endAt: ringEnd(dial, leg),
    position: attempt?.targets.findIndex((target) => target.peer === leg.peer) ?? 0,
    wave: 0,
  };
}

function ringEnd(dial: Dial | null, leg: Leg): number | null {
  const end = endOf(leg);
  if (dial === null || dial.end === null) return end;
  return end === null ? dial.end.at : Math.min(dial.end.at, end);
}

/** The run of Dial in the same channel that was under way when this ring began. */
function attemptOf(fold: CallFold, dial: Dial, start: Moment): DialAttempt | null {
  const under = (attempt: DialAttempt): boolean => attempt.caller === dial.caller && attempt.start.at <= start.at;
  return fold.attempts.findLast(under) ?? null;
}

/** Up through Local channels to the real channel that dials, and the extension a chain name carries. */
function climb(fold: CallFold, dial: Dial): { caller: Leg | null; via: string | null } {
  let via: string | null = null;
  let at: Dial | undefined = dial;
  const seen = new Set<string>();
  while (at !== undefined && at.caller !== null && !seen.has(at.caller)) {
    seen.add(at.caller);
    const caller = fold.legs.get(at.caller);
    if (caller === undefined || caller.kind !== "local") {
      return { caller: caller ?? null, via: via ?? (isInternalNumber(at.exten) ? at.exten : null) };
    }
    via = internalNumberIn(caller.peer) ?? via;
    const one = caller.pair === null ? null : (fold.pairs.get(caller.pair)?.one ?? null);
    at = one === null ? undefined : fold.dials.get(one);
  }
  return { caller: null, via };
}

/** A Local channel that names an extension and led to no phone: the phone is not registered. */
function silentLocal(fold: CallFold, dial: Dial, leg: Leg): Ring | null {
  const number = internalNumberIn(leg.peer);
  const two = leg.pair === null ? null : (fold.pairs.get(leg.pair)?.two ?? null);
  const other = two === null ? undefined : fold.legs.get(two);
  const ended = endOf(leg) !== null;
  if (number === null || dial.begin === null || !ended || two === null || other === undefined) return null;
  const busyElsewhere = other.stays.length > 0 || other.up !== null || leg.up !== null;
  if (busyElsewhere || ranAnything(fold, two)) return null;
  return {
    role: { is: "extension", number },
    leg: null,
    dial,
    attempt: null,
    caller: climb(fold, dial).caller,
    via: null,
    start: dial.begin,
    startAt: dial.begin.at,
    endAt: ringEnd(dial, leg),
    position: 0,
    wave: 0,
  };
}

function ranAnything(fold: CallFold, leg: string): boolean {
  for (const dial of fold.dials.values()) if (dial.caller === leg) return true;
  return fold.attempts.some((attempt) => attempt.caller === leg);
}

/** Channels that were ringing or talking before the capture began, made by a Dial nobody saw. */
function unseenDials(fold: CallFold, roles: Roles): Ring[] {
  const rings: Ring[] = [];
  for (const leg of fold.legs.values()) {
    const dial = fold.dials.get(leg.id) ?? null;
    const known = dial !== null && (dial.begin !== null || leg.dialled);
    if (leg.kind !== "real" || leg.created !== null || known || leg.placed || !wasCalled(fold, leg)) continue;
    rings.push({
      role: roleOf(roles, leg),
      leg,
      dial,
      attempt: null,
      caller: dial === null ? null : climb(fold, dial).caller,
      via: null,
      start: leg.first,
      startAt: leg.startEstimate,
      endAt: ringEnd(dial, leg),
      position: 0,
      wave: 0,
    });
  }
  return rings;
}

/** The first channel of a call called in; one that came later was called, unless it rang in itself. */
function wasCalled(fold: CallFold, leg: Leg): boolean {
  if (leg.dialled || leg.ringing !== null || fold.dials.has(leg.id)) return true;
  return [...fold.legs.values()].some((other) => other.placed && other.id !== leg.id && other.kind === "real");
}

/** Phones a Dial named and for which no channel was made: not registered. Known only when that Dial is over. */
function missingPhones(fold: CallFold, roles: Roles, directory: Directory, rings: Ring[]): Ring[] {
  return fold.attempts.flatMap((attempt) => {
    const end = attempt.end ?? callerEnd(fold, attempt);
    if (end === null) return [];
    const rung = peersRung(fold, attempt);
    if (rung.size === 0 && !endedInVain(attempt)) return [];
    return targetsOf(attempt, rung)
      .filter((target) => target.tech !== "Local" && !rung.has(target.peer))
      .map((target, index) =>
        missingRing(fold, roleOfTarget(directory, roles, fold, target), attempt, end, index, rings),
      )
      .filter((ring) => ring.role.is !== "none");
  });
}

/** Newexten is repeated when a channel is transferred out of an answered Dial: that repetition rings nobody. */
function endedInVain(attempt: DialAttempt): boolean {
  return attempt.status !== null && attempt.status !== "ANSWER";
}

function callerEnd(fold: CallFold, attempt: DialAttempt): number | null {
  const caller = fold.legs.get(attempt.caller);
  return caller === undefined ? null : endOf(caller);
}

function targetsOf(attempt: DialAttempt, rung: Set<string>): DialTarget[] {
  if (attempt.targets.length > 0 || rung.size > 0 || attempt.extToCall === null) return attempt.targets;
  return [{ tech: "", peer: attempt.extToCall, number: null }];
}

function peersRung(fold: CallFold, attempt: DialAttempt): Set<string> {
  const rung = new Set<string>();
  for (const dial of fold.dials.values()) {
    if (dial.caller !== attempt.caller || dial.begin === null) continue;
    const leg = fold.legs.get(dial.dest);
    if (leg !== undefined && attemptOf(fold, dial, dial.begin) === attempt) rung.add(leg.peer);
  }
  return rung;
}

function missingRing(
  fold: CallFold,
  role: Role,
  attempt: DialAttempt,
  end: Moment | number,
  index: number,
  rings: Ring[],
): Ring {
  const sibling = rings.find((ring) => ring.attempt === attempt);
  const caller = fold.legs.get(attempt.caller) ?? null;
  const real = caller?.kind === "local" ? (sibling?.caller ?? localCaller(fold, caller)) : caller;
  return {
    role,
    leg: null,
    dial: null,
    attempt,
    caller: real,
    via: null,
    start: attempt.start,
    startAt: attempt.start.at,
    endAt: typeof end === "number" ? end : end.at,
    position: attempt.targets.length === 0 ? index : positionOf(attempt, role),
    wave: 0,
  };
}

function positionOf(attempt: DialAttempt, role: Role): number {
  const name = role.is === "extension" ? role.number : role.is === "trunk" ? role.peer : "";
  return attempt.targets.findIndex((target) => target.peer === name);
}

function localCaller(fold: CallFold, caller: Leg): Leg | null {
  const one = caller.pair === null ? null : (fold.pairs.get(caller.pair)?.one ?? null);
  const dial = one === null ? undefined : fold.dials.get(one);
  return dial === undefined ? null : climb(fold, dial).caller;
}

/** Rings on behalf of one channel that overlap are one wave. */
function numberWaves(rings: Ring[]): void {
  let wave = 0;
  let caller: Leg | null = null;
  let openUntil = -Infinity;
  for (const ring of rings) {
    const begin = keyTime(ring);
    const together = wave > 0 && ring.caller === caller && begin < openUntil;
    if (!together) {
      wave += 1;
      caller = ring.caller;
      openUntil = -Infinity;
    }
    ring.wave = wave;
    openUntil = Math.max(openUntil, ring.endAt ?? Infinity, begin + 1);
  }
}
