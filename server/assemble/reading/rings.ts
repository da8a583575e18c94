import type { CallFold, Dial, Leg } from "../facts/facts.ts";
import type { Directory } from "../types.ts";
import { climb, placeInRun, ringEnd, type Ring } from "./chain.ts";
import { roleOf, type Roles } from "./directory.ts";
import { missingPhones, silentLocal } from "./missing.ts";

export type { Ring } from "./chain.ts";

/** Everything that was rung, in the order the dialling began, with waves numbered. */
export function readRings(fold: CallFold, roles: Roles, directory: Directory): Ring[] {
  const rings = [...dialledRings(fold, roles), ...unseenDials(fold, roles)];
  rings.push(...missingPhones(fold, roles, directory));
  rings.sort(compareRings);
  numberWaves(rings);
  return rings;
}

function compareRings(a: Ring, b: Ring): number {
  const sameRun = a.attempt !== null && a.attempt === b.attempt;
  if (sameRun) return a.position - b.position || a.start.order - b.start.order;
  return a.asked.at - b.asked.at || a.asked.order - b.asked.order;
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
  const chain = climb(fold, dial);
  return {
    role: roleOf(roles, leg),
    leg,
    dial,
    ...placeInRun(fold, chain.top, start),
    caller: chain.caller,
    via: chain.via,
    start,
    startAt: dial.begin?.at ?? leg.created?.at ?? leg.startEstimate,
    ...ringEnd(dial, leg),
    wave: 0,
  };
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
      asked: leg.first,
      startAt: leg.startEstimate,
      ...ringEnd(dial, leg),
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

/** Phones that are rung at once are rung within this, ms. */
const RUNG_AT_ONCE_MS = 100;
/** A phone is put down so long after the one that follows it is rung, ms: two threads of Asterisk do it. */
const PUT_DOWN_MS = 5;

/** Rings on behalf of one channel that overlap, or that one Dial asked for, are one wave. */
function numberWaves(rings: Ring[]): void {
  let wave: Ring[] = [];
  let count = 0;
  for (const ring of rings) {
    if (!wave.some((other) => together(other, ring))) {
      wave = [];
      count += 1;
    }
    wave.push(ring);
    ring.wave = count;
  }
}

function together(earlier: Ring, ring: Ring): boolean {
  if (earlier.caller !== ring.caller || (earlier.dial?.forward ?? null) !== null) return false;
  if (ring.attempt !== null && ring.attempt === earlier.attempt) return true;
  // A channel runs one Dial at a time, whether the end of the one before was heard or not.
  if (ring.attempt !== null && ring.attempt.caller === earlier.attempt?.caller) return false;
  if (earlier.endAt === null) return true;
  const { at, order } = ring.asked;
  if (at - earlier.asked.at >= RUNG_AT_ONCE_MS && earlier.endAt - at <= PUT_DOWN_MS) return false;
  return at < earlier.endAt || (at === earlier.endAt && order < (earlier.endOrder ?? 0));
}
