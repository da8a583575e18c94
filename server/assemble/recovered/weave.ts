import { header, MARKERS } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import type { CallEvent } from "../types.ts";
import { LATE_MS_MAX, SAME_ACT_MS } from "./twins.ts";

export interface Item {
  event: CallEvent;
  own: boolean;
}

/**
 * Where an item goes: behind its twin, the live item that tells the same, else by its time, but behind the live item `after` and
 * no later than before the live item `before`. Where these two disagree, behind.
 */
export interface Woven<T> {
  item: T;
  at: number;
  twin: number | null;
  after: number;
  before: number;
}

/** What is known of the rows. */
export interface RowFacts<R> {
  /** AMI tells of such things as well. */
  isOfAmi(row: R): boolean;
  /** Happens once, so that its twin is the same for sure, and its time is that of Asterisk to the millisecond. */
  isSure(row: R): boolean;
  /** The file may have cut off so much of each time. */
  cutMs: number;
}

/** A place in the live stream, and its time. */
interface Heard {
  after: number;
  at: number;
}

/** Puts each row behind its twin, or before the first live item later than itself. */
export function weave<T extends Item>(live: readonly T[], placed: readonly Woven<T>[]): T[] {
  const behind = Map.groupBy(
    placed.filter(({ twin }) => twin !== null),
    ({ twin }) => twin,
  );
  const byTime = placed.filter(({ twin }) => twin === null).toSorted((a, b) => a.at - b.at);
  const woven: T[] = [];
  const reached = reachedBy(live);
  let next = 0;
  for (const [index, item] of live.entries()) {
    const isBefore = ({ at, after, before }: Woven<T>): boolean =>
      after < index && (at < (reached[index] ?? -Infinity) || before <= index);
    for (let row = byTime[next]; row !== undefined && isBefore(row); row = byTime[++next]) woven.push(row.item);
    woven.push(item);
    for (const row of behind.get(index) ?? []) woven.push(row.item);
  }
  for (const row of byTime.slice(next)) woven.push(row.item);
  return woven;
}

/** By place in the stream: how far the time had come. */
function reachedBy(live: readonly Item[]): number[] {
  let latest = -Infinity;
  return live.map(({ event }) => (latest = Math.max(latest, timeOf(event))));
}

/**
 * What was heard came late, by as much as the machine was busy, and a row has Asterisk's own time: one that was not heard comes
 * behind what was heard of the rows before it, and no earlier; and what AMI was cut before it told, behind all that it told.
 * And it comes before what was heard of the rows after it. Rows in the order of their times.
 */
export function behindHeard<T extends Item, R extends Omit<Woven<T>, "after" | "before">>(
  rows: readonly R[],
  live: readonly Item[],
  { isOfAmi, isSure, cutMs }: RowFacts<R>,
): (R & Woven<T>)[] {
  const reached = reachedBy(live);
  const cuts = cutsIn(live);
  const since = heardSince(live);
  const bounds = beforeHeard(rows, isSure);
  /** What happened before the session began was not heard in it: it only sounds the same. */
  const isOfBefore = (at: number, twin: number): boolean => at + cutMs < (since[twin] ?? -Infinity) - SAME_ACT_MS;
  let heard: Heard = { after: -1, at: -Infinity };
  let lateMs = 0;
  return rows.map((row, place) => {
    const { twin } = row;
    const late = twin === null ? -1 : (reached[twin] ?? row.at) - row.at;
    if (twin !== null && late >= 0 && late <= LATE_MS_MAX && !isOfBefore(row.at, twin)) {
      lateMs = late;
      heard = furthest(heard, { after: twin, at: row.at + late });
    }
    const told = row.at + lateMs;
    const cut = twin === null && isOfAmi(row) ? cuts.find(({ at }) => told >= at - SAME_ACT_MS && row.at < at) : null;
    if (cut) heard = furthest(heard, cut);
    const at = Math.max(row.at, heard.at);
    const setBackMs = at - clockTime(row.item.event);
    const item = setBackMs === 0 ? row.item : { ...row.item, event: { ...row.item.event, setBackMs } };
    return { ...row, item, at, after: heard.after, before: bounds[place] ?? Infinity };
  });
}

/** By row: the first live item that tells of a row after it. */
function beforeHeard<R extends { twin: number | null }>(rows: readonly R[], isSure: (row: R) => boolean): number[] {
  const bounds: number[] = [];
  let first = Infinity;
  for (const [place, row] of [...rows.entries()].toReversed()) {
    bounds[place] = first;
    if (row.twin !== null && isSure(row)) first = Math.min(first, row.twin);
  }
  return bounds;
}

function furthest(known: Heard, other: Heard): Heard {
  return { after: Math.max(known.after, other.after), at: Math.max(known.at, other.at) };
}

/** By place in the stream: when the session began in which it was heard. */
function heardSince(live: readonly Item[]): number[] {
  let since = -Infinity;
  return live.map(({ event }) => (since = event.ev.Event === MARKERS.captureStarted ? clockTime(event) : since));
}

/** Each time AMI was lost: the last place in the stream before it, and when. */
function cutsIn(live: readonly Item[]): Heard[] {
  return live.flatMap(({ event }, index) => {
    const since = event.ev.Event === MARKERS.captureLost ? Number(header(event.ev, "Since") ?? "") : 0;
    return since > 0 ? [{ after: index - 1, at: since }] : [];
  });
}

/** Asterisk was gone from its new start on at the latest, whenever the agent learned of it. */
function timeOf(event: CallEvent): number {
  const at = clockTime(event);
  if (event.ev.Event !== MARKERS.asteriskRestarted) return at;
  const started = Number(header(event.ev, "AsteriskStarted") ?? "") * 1000;
  return started > 0 ? Math.min(started, at) : at;
}
