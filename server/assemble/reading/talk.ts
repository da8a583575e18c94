import { endMoment, endOf } from "../facts/site.ts";
import type { CallFold, Leg, Moment, Stay } from "../facts/facts.ts";
import { compareIds } from "../keys.ts";
import type { CallEvent } from "../types.ts";
import { roleOf, type Roles } from "./directory.ts";

/** Legs that could hear each other from `from` to `to` (null: still). */
export interface Conversation {
  legs: Leg[];
  from: Moment;
  to: number | null;
}

/** Two parties begin to talk who did not just before. */
export interface Meeting {
  leg: Leg;
  at: number;
  order: number;
  event: CallEvent;
}

export interface Talk {
  conversations: Conversation[];
  meetings: Meeting[];
  /** By leg: when it first and last talked; `to: null` while it talks. */
  spans: Map<string, { from: Moment; to: number | null }>;
}

/** Two words about a call that are further apart, and told the other way round, are of different clocks. */
const CLOCKS_APART_MS = 500;
/** The same two, apart for no longer than this, have not stopped talking: bridges are rebuilt under them. */
const SAME_TALK_GAP_MS = 1_000;

interface Boundary {
  at: number;
  order: number;
  leg: Leg;
  stay: Stay;
  enters: boolean;
}

/** Sweeps over the bridges' comings and goings, joining the halves of Local channels into one path. */
export function readTalk(fold: CallFold): Talk {
  const talk: Talk = { conversations: [], meetings: [], spans: new Map() };
  const inside = new Map<string, Set<Leg>>();
  const open = new Map<string, Conversation>();
  const apartSince = new Map<string, number>();
  for (const boundary of boundaries(fold)) {
    move(inside, boundary);
    settle(inside, open, apartSince, boundary, talk);
  }
  for (const conversation of talk.conversations) note(talk, conversation);
  return talk;
}

function boundaries(fold: CallFold): Boundary[] {
  const all: Boundary[] = [];
  for (const leg of fold.legs.values()) {
    if (leg.kind === "helper") continue;
    const end = lastWord(leg);
    for (const stay of leg.stays) {
      const { at, order } = stay.from;
      // Asterisk may bridge for a moment a phone that was put down while it was still being asked something.
      if (fold.holdingBridges.has(stay.bridge) || (end !== null && isBefore(end, stay.from))) continue;
      all.push({ at, order, leg, stay, enters: true });
      const to = earlier(stay.to, end);
      if (to !== null) all.push({ at: toldAt(fold, stay, to), order: to.order, leg, stay, enters: false });
    }
  }
  return all.toSorted((a, b) => a.at - b.at || a.order - b.order || Number(a.enters) - Number(b.enters));
}

type Instant = Pick<Moment, "at" | "order">;

/** From then on nobody is behind the channel: its phone asked for the hangup, or it ended. Null while it lives. */
function lastWord(leg: Leg): Instant | null {
  const at = endOf(leg);
  const end = at === null ? null : { at, order: endMoment(leg)?.order ?? 0 };
  return leg.kind === "real" ? earlier(leg.requests[0] ?? null, end) : end;
}

/**
 * Told later and yet much earlier by its time, it was told by another clock: a list of channels shows who talks by the agent's
 * clock, and either may be set before the talk ends.
 */
function isBefore(end: Instant, from: Instant): boolean {
  return compareTimes(end, from) <= 0 && !isOtherClock(end, from);
}

function isOtherClock(later: Instant, earlier: Instant): boolean {
  return later.order > earlier.order && earlier.at - later.at > CLOCKS_APART_MS;
}

/** When a stay ended; by another clock than it began, then not before all who were there had come. */
function toldAt(fold: CallFold, { bridge, from }: Stay, to: Instant): number {
  if (!isOtherClock(to, from)) return to.at;
  const stays = [...fold.legs.values()].flatMap((leg) => leg.stays);
  const before = stays.filter((stay) => stay.bridge === bridge && stay.from.order < to.order);
  return before.reduce((latest, stay) => Math.max(latest, stay.from.at), from.at);
}

function earlier(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b;
  return compareTimes(a, b) <= 0 ? a : b;
}

function compareTimes(a: Instant, b: Instant): number {
  return a.at - b.at || a.order - b.order;
}

function move(inside: Map<string, Set<Leg>>, { leg, stay, enters }: Boundary): void {
  const members = inside.get(stay.bridge) ?? new Set();
  if (enters) members.add(leg);
  else members.delete(leg);
  if (members.size === 0) inside.delete(stay.bridge);
  else inside.set(stay.bridge, members);
}

/** Compares who hears whom now with who did before this boundary. */
function settle(
  inside: Map<string, Set<Leg>>,
  open: Map<string, Conversation>,
  apartSince: Map<string, number>,
  boundary: Boundary,
  talk: Talk,
): void {
  const now = new Map<string, Leg[]>();
  for (const legs of parties(inside, boundary.at)) if (legs.length > 1) now.set(nameOf(legs), legs);
  for (const [name, conversation] of open) {
    if (now.has(name)) continue;
    conversation.to = boundary.at;
    open.delete(name);
    for (const pair of pairsOf(conversation.legs)) apartSince.set(pair.name, boundary.at);
  }
  for (const [name, legs] of now) {
    if (open.has(name)) continue;
    const from: Moment = { at: boundary.at, order: boundary.order, event: boundary.stay.from.event };
    const conversation: Conversation = { legs, from, to: null };
    open.set(name, conversation);
    talk.conversations.push(conversation);
    meet(legs, apartSince, boundary, talk);
  }
}

function meet(legs: Leg[], apartSince: Map<string, number>, boundary: Boundary, talk: Talk): void {
  const strangers = pairsOf(legs).filter(({ name }) => {
    const since = apartSince.get(name);
    return since === undefined || boundary.at - since > SAME_TALK_GAP_MS;
  });
  const [newest] = strangers.flatMap((pair) => [pair.a, pair.b]).toSorted((a, b) => compareIds(b.id, a.id));
  if (newest === undefined) return;
  talk.meetings.push({ leg: newest, at: boundary.at, order: boundary.order, event: boundary.stay.from.event });
}

/** Real legs by the path that connects them: bridges, and Local pairs between bridges. */
function parties(inside: Map<string, Set<Leg>>, at: number): Leg[][] {
  const group = new Map<string, string>();
  const find = (bridge: string): string => {
    const parent = group.get(bridge) ?? bridge;
    return parent === bridge ? bridge : find(parent);
  };
  const firstOfPair = new Map<string, string>();
  const real: { leg: Leg; bridge: string }[] = [];
  for (const [bridge, members] of inside) {
    for (const leg of members) {
      if (!isLocalAt(leg, at)) real.push({ leg, bridge });
      else if (leg.pair !== null) {
        const other = firstOfPair.get(leg.pair);
        if (other === undefined) firstOfPair.set(leg.pair, bridge);
        else group.set(find(bridge), find(other));
      }
    }
  }
  const byGroup = Map.groupBy(real, ({ bridge }) => find(bridge));
  return [...byGroup.values()].map((members) => members.map(({ leg }) => leg));
}

export function isLocalAt(leg: Leg, at: number): boolean {
  return leg.kind === "local" || (leg.localSince !== null && at >= leg.localSince);
}

function nameOf(legs: Leg[]): string {
  return legs
    .map((leg) => leg.id)
    .toSorted()
    .join(" ");
}

function pairsOf(legs: Leg[]): { name: string; a: Leg; b: Leg }[] {
  return legs.flatMap((a, index) => legs.slice(index + 1).map((b) => ({ name: nameOf([a, b]), a, b })));
}

function note(talk: Talk, { legs, from, to }: Conversation): void {
  for (const leg of legs) {
    const span = talk.spans.get(leg.id);
    if (span === undefined) talk.spans.set(leg.id, { from, to });
    else span.to = to === null || span.to === null ? null : Math.max(span.to, to);
  }
}

/** Intervals in which people of this company talked with the external party (internal calls: with each other). */
export function talkIntervals(talk: Talk, roles: Roles, internal: boolean): { from: number; to: number | null }[] {
  const counts = ({ legs }: Conversation): boolean => {
    const extensions = legs.filter((leg) => roleOf(roles, leg).is === "extension").length;
    const trunks = legs.filter((leg) => roleOf(roles, leg).is === "trunk").length;
    return internal ? extensions > 1 || (extensions > 0 && trunks > 0) : extensions > 0 && trunks > 0;
  };
  const proper = talk.conversations.filter(counts);
  // Forwarded straight to an outside number no extension ever talks; then the two outside parties are the talk.
  const chosen = proper.length > 0 || internal ? proper : talk.conversations;
  return chosen.map(({ from, to }) => ({ from: from.at, to }));
}

/** Length of the union of intervals, ms; open ones end at `until`. */
export function unionMs(intervals: { from: number; to: number | null }[], until: number): number {
  let total = 0;
  let reached = -Infinity;
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const end = to ?? until;
    total += Math.max(0, end - Math.max(from, reached));
    reached = Math.max(reached, end);
  }
  return total;
}
