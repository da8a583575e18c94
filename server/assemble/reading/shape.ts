import type { CallType } from "../../../shared/call.ts";
import type { CallFold, Leg } from "../facts/facts.ts";
import { compareIds } from "../keys.ts";
import { isExternalNumber } from "../names.ts";
import { roleOf, type Role, type Roles } from "./directory.ts";
import type { Ring } from "./rings.ts";
import type { Talk } from "./talk.ts";

/** What kind of call it is, and around which channels it turns. */
export interface Shape {
  linkedid: string;
  callType: CallType;
  /** The channel that placed the call; null when a server did (Originate, call file). */
  first: Leg | null;
  /** The extension that placed it, the phone that click-to-call rings first included. */
  placing: string | null;
  /** Rings that place the call rather than receive it. */
  placingRings: ReadonlySet<Ring>;
  originated: boolean;
  /** Ringing legs somebody else picked up. */
  pickedUp: ReadonlySet<string>;
  /** By wave: moments at which one of its rings was answered. */
  answeredAt: ReadonlyMap<number, number[]>;
  isTrunk(leg: Leg): boolean;
}

export function readShape(fold: CallFold, roles: Roles, rings: Ring[], talk: Talk): Shape {
  const linkedid = oldestKey(fold);
  const first = firstLeg(fold, linkedid);
  const originated = first !== null && isOriginated(fold, first);
  const placingRings = originated ? firstPhone(rings) : new Set<Ring>();
  const placed = originated ? null : first;
  const [placingRing] = placingRings;
  return {
    linkedid,
    callType: callTypeOf(fold, roles, rings, placed, originated),
    first: placed ?? placingRing?.leg ?? null,
    placing: extensionOf(placed === null ? (placingRing?.role ?? null) : roleOf(roles, placed)),
    placingRings,
    originated,
    pickedUp: new Set(fold.pickups.map((pickup) => pickup.target)),
    answeredAt: answerTimes(fold, rings, talk),
    isTrunk: (leg) => roleOf(roles, leg).is === "trunk",
  };
}

/** The Linkedid is the oldest channel's Uniqueid (epoch.counter). */
function oldestKey(fold: CallFold): string {
  let oldest: string | null = null;
  for (const key of fold.keys) if (oldest === null || compareIds(key, oldest) < 0) oldest = key;
  return oldest ?? "";
}

function firstLeg(fold: CallFold, linkedid: string): Leg | null {
  const named = fold.legs.get(linkedid);
  if (named !== undefined) return named;
  const real = [...fold.legs.values()].filter((leg) => leg.kind !== "helper");
  return real.toSorted((a, b) => compareIds(a.id, b.id))[0] ?? null;
}

/** Nobody called in: the first channel was made by Originate or a call file. */
function isOriginated(fold: CallFold, first: Leg): boolean {
  if (first.kind !== "real") return true;
  const dial = fold.dials.get(first.id);
  return dial !== undefined && dial.caller === null && dial.begin !== null;
}

/** The phone rung first places the call, with all its devices. */
function firstPhone(rings: Ring[]): Set<Ring> {
  const [first] = rings;
  if (first === undefined || first.role.is !== "extension") return new Set();
  const number = first.role.number;
  return new Set(
    rings.filter((ring) => ring.wave === first.wave && ring.role.is === "extension" && ring.role.number === number),
  );
}

function callTypeOf(fold: CallFold, roles: Roles, rings: Ring[], first: Leg | null, originated: boolean): CallType {
  const role = roleOf(roles, first);
  if (!originated && role.is === "trunk") return "incoming";
  if (rings.some((ring) => ring.role.is === "trunk")) return "outgoing";
  if (meantNumber(fold, first, rings, originated) !== null) return "outgoing";
  return "internal";
}

/** An outside number somebody wanted although no trunk leg was ever made. */
export function meantNumber(fold: CallFold, first: Leg | null, rings: Ring[], originated: boolean): string | null {
  if (originated) {
    const phone = rings[0]?.leg ?? null;
    const candidates = [fold.originate?.exten ?? null, phone?.connectedNumber ?? null, ...(phone?.numbers ?? [])];
    return candidates.find((number) => isExternalNumber(number) && number !== phone?.peer) ?? null;
  }
  if (rings.length > 0 || fold.conferences.length > 0 || fold.queues.length > 0) return null;
  return first !== null && isExternalNumber(first.exten) ? first.exten : null;
}

function extensionOf(role: Role | null): string | null {
  return role !== null && role.is === "extension" ? role.number : null;
}

function answerTimes(fold: CallFold, rings: Ring[], talk: Talk): Map<number, number[]> {
  const times = new Map<number, number[]>();
  const add = (wave: number, ...at: number[]): void => void times.set(wave, [...(times.get(wave) ?? []), ...at]);
  for (const ring of rings) {
    const span = ring.leg === null ? undefined : talk.spans.get(ring.leg.id);
    if (span !== undefined) add(ring.wave, ring.dial?.end?.at ?? span.from.at, span.from.at);
    const pickup = fold.pickups.find((known) => known.target === ring.leg?.id);
    if (pickup !== undefined) add(ring.wave, pickup.moment.at);
  }
  return times;
}
