import type { Journal, Told } from "../oracle/journal.ts";
import type { GapRow, StoredEvent } from "./evidence.ts";

/** How long an unhindered agent may take to read an event and have it on disk. */
const COMMIT_MS_MAX = 1_000;
/** Rounding of times in gap rows. */
const EDGE_MS = 50;

/**
 * owed: written into a session that lived on, by an agent that lived on unhindered for longer than a commit takes.
 * contested: written into a session, but the agent, the session or the outbox died too soon to be sure it was read
 * and committed; it must be stored, or be named by a gap. unheard: nobody was logged in; a gap must name it.
 */
export type Standing = "owed" | "contested" | "unheard";

export interface Verdict {
  told: Told;
  standing: Standing;
  /** Rows in ami_events. */
  rows: number;
  kept: boolean;
  inGap: boolean;
}

export function judgeEvents(
  journal: Journal,
  stored: readonly StoredEvent[],
  gaps: readonly GapRow[],
  excusable: ReadonlySet<number>,
): Verdict[] {
  const rows = countBy(stored.filter(({ accepted }) => accepted));
  const kept = new Set(stored.map(({ number }) => number));
  return journal.told.map((told) => ({
    told,
    standing: standingOf(told, journal, excusable),
    rows: rows.get(told.number) ?? 0,
    kept: kept.has(told.number),
    // A gap is told by the clock as it stood when the blindness was over.
    inGap: gaps.some(
      (gap) =>
        covers(gap, told.at) || [...journal.clockOffsetsMs].some((offsetMs) => covers(gap, told.trueAt + offsetMs)),
    ),
  }));
}

/** Owed and not there, or not owed, not there, and no gap names it. */
export function isLost({ standing, kept, inGap }: Verdict): boolean {
  return !kept && (standing === "owed" || !inGap);
}

export function covers(gap: GapRow, at: number, edgeMs = EDGE_MS): boolean {
  return at >= gap.from - edgeMs && (gap.to === null || at <= gap.to + edgeMs);
}

function standingOf(told: Told, journal: Journal, excusable: ReadonlySet<number>): Standing {
  if (told.mustBeKept === true) return "owed";
  if (told.session === null) return "unheard";
  if (excusable.has(told.number)) return "contested";
  return unhinderedMs(told, journal) >= COMMIT_MS_MAX ? "owed" : "contested";
}

/** How long the session lived on after the event while the agent could work; infinite when it never ended. */
function unhinderedMs(told: Told, journal: Journal): number {
  const life = journal.sessions[told.session! - 1]!;
  const hindrances = journal.hindrances.filter(({ pbx }) => pbx === life.pbx);
  const death = hindrances
    .filter(({ what, fromMono }) => what === "dead" && fromMono > told.mono)
    .reduce((first, { fromMono }) => Math.min(first, fromMono), Infinity);
  const end = Math.min(life.closedMono ?? Infinity, death);
  if (end === Infinity) return Infinity;
  const hindered = hindrances
    .filter(({ what }) => what !== "dead")
    .reduce((sum, h) => sum + overlap(told.mono, end, h.fromMono, h.toMono ?? Infinity), 0);
  return end - told.mono - hindered;
}

export function overlap(aFrom: number, aTo: number, bFrom: number, bTo: number): number {
  return Math.max(0, Math.min(aTo, bTo) - Math.max(aFrom, bFrom));
}

function countBy(stored: readonly StoredEvent[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { number } of stored) counts.set(number, (counts.get(number) ?? 0) + 1);
  return counts;
}
