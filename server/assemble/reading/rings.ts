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
  const chain = climb(fold, dial);
  const place = placeInRun(fold, chain.top);
  return {
    role: roleOf(roles, leg),
    leg,
    dial,
    attempt: place.attempt,
    caller: chain.caller,
    via: chain.via,
    start,
    startAt: dial.begin?.at ?? leg.created?.at ?? leg.startEstimate,
    endAt: ringEnd(dial, leg),
    position: place.position,
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
