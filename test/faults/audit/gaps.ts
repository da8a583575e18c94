import type { Journal, Told } from "../oracle/journal.ts";
import { covers, overlap } from "./events.ts";
import type { GapRow, StoredEvent } from "./evidence.ts";

/** A gap may reach this far into what was heard: the last event before, the login after. */
const SLACK_MS = 250;
/** A blindness and the gap that tells of it need not begin in the same moment. */
const WARRANT_MS = 2_000;
const ABOUT_AMI = new Set(["agent_down", "ami_lost", "asterisk_down", "asterisk_restarted"]);

/** What is wrong with the gap rows: one that claims what was delivered, one without any blindness behind it. */
export function judgeGaps(options: {
  journal: Journal;
  gaps: readonly GapRow[];
  stored: readonly StoredEvent[];
  /** When outboxes were damaged, epoch ms: a gap around such a moment cannot know exactly what was lost. */
  damages: readonly number[];
  /** A disk was full or stalled, an outbox damaged: gaps that blame the outbox are expected. */
  outboxHarmed: boolean;
}): string[] {
  const { journal, gaps, stored, damages, outboxHarmed } = options;
  const wrongs: string[] = [];
  const told = new Map(journal.told.map((entry) => [entry.number, entry]));
  const accepted = stored.filter((row) => row.accepted);
  for (const gap of gaps) {
    if (!ABOUT_AMI.has(gap.cause)) {
      if (!outboxHarmed) wrongs.push(`${nameOf(gap)} blames the outbox, which nothing happened to`);
      continue;
    }
    const within = accepted
      .filter(({ streamId }) => streamId === gap.streamId)
      .map(({ number }) => told.get(number))
      .filter((entry): entry is Told => entry !== undefined && entry.session !== null && inside(gap, entry.at));
    const blurred = damages.some((at) => covers(gap, at, WARRANT_MS));
    if (within.length > 0 && !blurred) wrongs.push(`${nameOf(gap)} claims ${within.length} events that were delivered`);
    if (!warranted(gap, journal)) wrongs.push(`${nameOf(gap)} names a time in which nobody was blind`);
  }
  return wrongs;
}

function inside(gap: GapRow, at: number): boolean {
  return at > gap.from + SLACK_MS && at < (gap.to ?? Infinity) - SLACK_MS;
}

function warranted(gap: GapRow, journal: Journal): boolean {
  // The clock was set while nobody listened: the gap goes by the clock at its end.
  if (journal.clockOffsetsMs.size > 1 && endsWithLogin(gap, journal)) return true;
  return blindTimes(journal).some(
    ([from, to]) => overlap(from - WARRANT_MS, to + WARRANT_MS, gap.from, gap.to ?? Infinity) > 0,
  );
}

function endsWithLogin({ to }: GapRow, { sessions }: Journal): boolean {
  return to !== null && sessions.some(({ openedAt }) => Math.abs(openedAt - to) < WARRANT_MS);
}

/** Wall-clock times in which a PBX had no listener, each PBX by itself. */
function blindTimes(journal: Journal): [number, number][] {
  const blind: [number, number][] = [];
  for (const pbx of new Set(journal.sessions.map((life) => life.pbx))) {
    const lives = journal.sessions.filter((life) => life.pbx === pbx);
    lives.forEach((life, i) => blind.push([i === 0 ? 0 : (lives[i - 1]!.closedAt ?? life.openedAt), life.openedAt]));
    const last = lives.at(-1);
    if (last !== undefined && last.closedAt !== null) blind.push([last.closedAt, Infinity]);
  }
  return blind;
}

function nameOf(gap: GapRow): string {
  const to = gap.to === null ? "now" : new Date(gap.to).toISOString();
  return `Gap ${gap.id} (${gap.cause}, ${new Date(gap.from).toISOString()} to ${to})`;
}
