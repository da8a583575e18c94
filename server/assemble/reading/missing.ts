import type { CallFold, Dial, DialAttempt, Leg, Moment } from "../facts/facts.ts";
import { endMoment, endOf } from "../facts/site.ts";
import { internalNumberIn, type DialTarget } from "../names.ts";
import type { Directory } from "../types.ts";
import { attemptOf, climb, placeInRun, ringEnd, type Chain, type Ring } from "./chain.ts";
import { roleOfTarget, type Role, type Roles } from "./directory.ts";

/** A Local channel that names an extension and led to no phone: the phone is not registered. */
export function silentLocal(fold: CallFold, dial: Dial, leg: Leg): Ring | null {
  const number = internalNumberIn(leg.peer);
  const two = leg.pair === null ? null : (fold.pairs.get(leg.pair)?.two ?? null);
  const other = two === null ? undefined : fold.legs.get(two);
  const ended = endOf(leg) !== null;
  if (number === null || dial.begin === null || !ended || two === null || other === undefined) return null;
  const busyElsewhere = other.stays.length > 0 || other.up !== null || leg.up !== null;
  if (busyElsewhere || ranAnything(fold, two)) return null;
  const chain = climb(fold, dial);
  return {
    role: { is: "extension", number },
    leg: null,
    dial,
    ...placeInRun(fold, chain.top, dial.begin),
    caller: chain.caller,
    via: null,
    start: dial.begin,
    startAt: dial.begin.at,
    ...ringEnd(dial, leg),
    wave: 0,
  };
}

function ranAnything(fold: CallFold, leg: string): boolean {
  for (const dial of fold.dials.values()) if (dial.caller === leg) return true;
  return fold.attempts.some((attempt) => attempt.caller === leg);
}

/** Phones a Dial named and for which no channel was made: not registered. Known only when that Dial is over. */
export function missingPhones(fold: CallFold, roles: Roles, directory: Directory): Ring[] {
  return fold.attempts.flatMap((attempt) => {
    const end = attempt.end ?? callerEnd(fold, attempt);
    if (end === null) return [];
    const rung = peersRung(fold, attempt);
    if (rung.size === 0 && !endedInVain(attempt)) return [];
    return targetsOf(attempt, rung).flatMap((target, index) => {
      if (target.tech === "Local" || rung.has(target.peer)) return [];
      const role = roleOfTarget(directory, roles, fold, target);
      // Groups of lines (DAHDI/g1) are named otherwise than the channel they give.
      if (role.is === "none" || (role.is === "trunk" && rung.size > 0)) return [];
      return [missingRing(fold, role, attempt, end, index)];
    });
  });
}

/** Newexten is repeated when a channel is transferred out of an answered Dial: that repetition rings nobody. */
function endedInVain(attempt: DialAttempt): boolean {
  return attempt.status !== null && attempt.status !== "ANSWER";
}

function callerEnd(fold: CallFold, attempt: DialAttempt): Moment | null {
  const caller = fold.legs.get(attempt.caller);
  return caller === undefined ? null : endMoment(caller);
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

function missingRing(fold: CallFold, role: Role, attempt: DialAttempt, end: Moment, index: number): Ring {
  const caller = fold.legs.get(attempt.caller) ?? null;
  const chain = caller?.kind === "local" ? chainAbove(fold, caller) : null;
  const own = { attempt, position: index, asked: attempt.start };
  const above = chain === null ? own : placeInRun(fold, chain.top, attempt.start);
  return {
    role,
    leg: null,
    dial: null,
    ...(above.attempt === null ? { ...own, asked: above.asked } : above),
    caller: chain === null ? caller : chain.caller,
    via: null,
    start: attempt.start,
    startAt: attempt.start.at,
    endAt: end.at,
    endOrder: end.order,
    wave: 0,
  };
}

function chainAbove(fold: CallFold, caller: Leg): Chain | null {
  const one = caller.pair === null ? null : (fold.pairs.get(caller.pair)?.one ?? null);
  const dial = one === null ? undefined : fold.dials.get(one);
  return dial === undefined ? null : climb(fold, dial);
}
