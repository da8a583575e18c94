import type { Directory } from "../types.ts";
import type { CallFold, Leg } from "../facts/facts.ts";
import {
  internalNumberIn,
  isExternalNumber,
  isInternalNumber,
  isNumber,
  parseDialTarget,
  type DialTarget,
} from "../names.ts";

/** What stands behind a real channel. `number`: what people dial to reach an extension. */
export type Role = { is: "extension"; number: string } | { is: "trunk"; peer: string } | { is: "none" };

export interface Roles {
  of: ReadonlyMap<string, Role>;
  guessed: boolean;
}

const NONE: Role = { is: "none" };
const TRUNK_CONTEXT =
  /trunk|pstn|incoming|inbound|from-(did|sip-external|external|provider)|world|(^|[-_])(in|did)($|[-_])/i;
const INTERNAL_CONTEXT = /internal|account|phone|user|(^|[-_])(local|office|ext|extensions?)($|[-_])/i;

/** Decides for every real leg of the call whether it is an extension or a trunk: by the settings, else by what shows. */
export function readRoles(fold: CallFold, directory: Directory): Roles {
  const of = new Map<string, Role>();
  const byPeer = new Map<string, Leg[]>();
  for (const leg of fold.legs.values()) {
    if (leg.kind !== "real") continue;
    const peer = `${leg.tech}/${leg.peer}`;
    const legs = byPeer.get(peer);
    if (legs === undefined) byPeer.set(peer, [leg]);
    else legs.push(leg);
  }
  let guessed = false;
  for (const legs of byPeer.values()) guessed = assignPeer(fold, directory, legs, of) || guessed;
  return { of, guessed };
}

export function roleOf(roles: Roles, leg: Leg | string | null): Role {
  if (leg === null) return NONE;
  return roles.of.get(typeof leg === "string" ? leg : leg.id) ?? NONE;
}

/** One peer is one thing in all its channels. Returns whether that had to be guessed. */
function assignPeer(fold: CallFold, directory: Directory, legs: Leg[], of: Map<string, Role>): boolean {
  const [first] = legs;
  if (first === undefined) return false;
  const told = toldBySettings(directory, first.peer, legs);
  const isTrunk = told === null ? trunkScore(fold, legs) > 0 : told === "trunk";
  const shared = new Set(legs.flatMap((leg) => leg.numbers));
  for (const leg of legs)
    of.set(leg.id, isTrunk ? { is: "trunk", peer: leg.peer } : extension(fold, directory, leg, shared));
  return told === null;
}

function toldBySettings(directory: Directory, peer: string, legs: Leg[]): "trunk" | "extension" | null {
  if (directory.trunks.has(peer)) return "trunk";
  if (directory.extensions === null) return null;
  if (matches(directory.extensions, peer)) return "extension";
  if (directory.trunks.size === 0) return null;
  const known = directory.extensions;
  return legs.some((leg) => leg.numbers.some((number) => matches(known, number))) ? "extension" : null;
}

/** A RegExp with the g or y flag remembers where it stopped; tests must not depend on the one before. */
export function matches(pattern: RegExp, value: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(value);
}

/** Above zero: a trunk. Weighs names, contexts and how the peer is dialled. */
function trunkScore(fold: CallFold, legs: Leg[]): number {
  const [first] = legs;
  if (first === undefined) return 0;
  let score = peerScore(first.peer);
  for (const leg of legs) score += contextScore(leg.context) + dialScore(fold, leg) + numberScore(leg);
  return score;
}

function peerScore(peer: string): number {
  if (isInternalNumber(peer)) return -3;
  if (isNumber(peer)) return -1;
  return internalNumberIn(peer) === null ? 1 : 0;
}

function contextScore(context: string | null): number {
  if (context === null) return 0;
  if (TRUNK_CONTEXT.test(context)) return 2;
  return INTERNAL_CONTEXT.test(context) ? -2 : 0;
}

function dialScore(fold: CallFold, leg: Leg): number {
  const dial = fold.dials.get(leg.id);
  if (fold.agents.has(leg.id)) return -3;
  if (dial === undefined || dial.dialString === null) return 0;
  const target = parseDialTarget(dial.dialString);
  if (target === null) return 0;
  if (isNumber(target.number)) return 3;
  return target.peer === leg.peer && isNumber(leg.peer) ? -1 : 0;
}

function numberScore(leg: Leg): number {
  if (leg.numbers.some(isInternalNumber)) return -2;
  if (leg.placed && leg.numbers.includes(leg.peer)) return -2;
  return leg.placed && isExternalNumber(leg.exten) && isExternalNumber(leg.callerNumber) ? 1 : 0;
}

/** The number people dial: the peer when it is one, else what the channel calls itself, else what was dialled. */
function extension(fold: CallFold, directory: Directory, leg: Leg, shared: ReadonlySet<string>): Role {
  return { is: "extension", number: extensionNumber(fold, directory, leg, shared) };
}

function extensionNumber(fold: CallFold, directory: Directory, leg: Leg, shared: ReadonlySet<string>): string {
  const pattern = directory.extensions;
  if (pattern !== null) {
    const known = [leg.peer, ...leg.numbers, ...shared].find((number) => matches(pattern, number));
    if (known !== undefined) return known;
  }
  const own = [leg.peer, ...leg.numbers, ...shared].find(isInternalNumber);
  if (own !== undefined) return own;
  const agent = fold.agents.get(leg.id)?.interface ?? null;
  const member = agent === null ? null : parseDialTarget(agent);
  if (member !== null && isInternalNumber(member.peer)) return member.peer;
  return internalNumberIn(leg.peer) ?? leg.peer;
}

/** What a dial target without a channel would have been. */
export function roleOfTarget(directory: Directory, roles: Roles, fold: CallFold, target: DialTarget): Role {
  if (directory.trunks.has(target.peer)) return { is: "trunk", peer: target.peer };
  for (const [id, role] of roles.of) if (fold.legs.get(id)?.peer === target.peer) return role;
  if (isNumber(target.number)) return { is: "trunk", peer: target.peer };
  const { extensions } = directory;
  if (extensions !== null && matches(extensions, target.peer)) return { is: "extension", number: target.peer };
  const number = internalNumberIn(target.peer);
  return number === null ? NONE : { is: "extension", number };
}

/** What was guessed, so that a wrong guess can be seen and corrected. Null when the settings told everything. */
export function guessReport(roles: Roles): Record<string, unknown> | null {
  if (!roles.guessed) return null;
  const extensions = new Set<string>();
  const trunks = new Set<string>();
  for (const role of roles.of.values()) {
    if (role.is === "extension") extensions.add(role.number);
    else if (role.is === "trunk") trunks.add(role.peer);
  }
  return { guessed: true, extensions: [...extensions].toSorted(), trunks: [...trunks].toSorted() };
}
