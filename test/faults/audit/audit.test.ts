import { expect, test } from "vitest";
import type { Journal, Told } from "../oracle/journal.ts";
import { isLost, judgeEvents } from "./events.ts";
import type { GapRow, StoredEvent } from "./evidence.ts";
import { judgeGaps } from "./gaps.ts";
import { judgeTags } from "./tags.ts";
import { WireTap } from "../stack/tap.ts";

const T0 = 1_800_000_000_000;

/** Number n is raised at second n; session 1 lives from second 0 to 10, the agent is dead from 10 to 20, session 2 follows. */
function journalOf(numbers: number[]): Journal {
  const sessionAt = (s: number): number | null => (s < 10 ? 1 : s < 20 ? null : 2);
  return {
    told: numbers.map((n) => ({
      number: n,
      call: 1,
      name: "Newchannel",
      at: T0 + n * 1000,
      trueAt: T0 + n * 1000,
      mono: n * 1000,
      session: sessionAt(n),
      text: "",
    })),
    calls: [],
    sessions: [
      { session: 1, pbx: "a", openedMono: 0, openedAt: T0, closedMono: 10_000, closedAt: T0 + 10_000 },
      { session: 2, pbx: "a", openedMono: 20_000, openedAt: T0 + 20_000, closedMono: null, closedAt: null },
    ],
    hindrances: [{ pbx: "a", what: "dead", fromMono: 10_000, toMono: 19_000 }],
    clockOffsetsMs: new Set([0]),
  };
}

function row(number: number, origin = "live"): StoredEvent {
  return { number, origin, receivedAt: T0, streamId: 1, accepted: true };
}

function gap(fromS: number, toS: number): GapRow {
  return { id: 1, streamId: 1, cause: "agent_down", from: T0 + fromS * 1000, to: T0 + toS * 1000, count: null };
}

test("an event the agent had time to commit is owed, and no gap excuses its loss", () => {
  const [verdict] = judgeEvents(journalOf([8]), [], [gap(0, 30)], new Set());
  expect(verdict!.standing).toBe("owed");
  expect(isLost(verdict!)).toBe(true);
});

test("an event written just before the kill may be missing if a gap names its time, else it is lost", () => {
  const journal = journalOf([9.5]);
  const named = judgeEvents(journal, [], [gap(9.4, 20)], new Set());
  const unnamed = judgeEvents(journal, [], [gap(9.8, 20)], new Set());
  expect(named.map(isLost)).toEqual([false]);
  expect(unnamed.map(isLost)).toEqual([true]);
});

test("an event nobody listened to has to be inside a gap", () => {
  expect(judgeEvents(journalOf([15]), [], [gap(10, 20)], new Set()).map(isLost)).toEqual([false]);
  expect(judgeEvents(journalOf([15]), [], [], new Set()).map(isLost)).toEqual([true]);
});

test("time in which the agent was stopped does not count as time to commit", () => {
  const journal = journalOf([8]);
  journal.hindrances.push({ pbx: "a", what: "stopped", fromMono: 8_200, toMono: 10_000 });
  expect(judgeEvents(journal, [], [], new Set())[0]!.standing).toBe("contested");
});

test("an event stored twice is counted so, one kept in rejected_events is not lost", () => {
  const twice = judgeEvents(journalOf([5]), [row(5), row(5)], [], new Set())[0]!;
  const kept = judgeEvents(journalOf([5]), [{ ...row(5), accepted: false }], [], new Set())[0]!;
  expect(twice.rows).toBe(2);
  expect(isLost(kept)).toBe(false);
});

test("a gap that claims delivered events, and one without a blindness, are both wrong", () => {
  const journal = journalOf([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const stored = journal.told.map(({ number }) => row(number));
  const judged = (gaps: GapRow[]): string[] => judgeGaps({ journal, gaps, stored, damages: [], outboxHarmed: false });
  expect(judged([gap(10, 20)])).toEqual([]);
  expect(judged([gap(6.5, 20)])).toEqual([expect.stringContaining("claims 3 events that were delivered")]);
  expect(judged([gap(25, 26)])).toEqual([expect.stringContaining("nobody was blind")]);
});

test("a late event sent as live, and a fresh one sent as downloaded, are both wrong", () => {
  const told: Told[] = journalOf([1, 2, 3]).told;
  const tap = new WireTap();
  const send = (n: number, origin: "live" | "downloaded", ageMs: number): void =>
    void tap.sendings.set(n, [{ origin, sentAt: T0 + n * 1000 + ageMs, capturedAt: T0 + n * 1000 }]);
  send(1, "live", 500);
  send(2, "live", 9_000);
  send(3, "downloaded", 500);
  const stored = [row(1), row(2), row(3, "live")];
  expect(judgeTags({ told, stored, tap, windowMs: 3_000, clockJumps: [] })).toEqual([
    expect.stringContaining("Event 2 was sent as live 9000 ms"),
    expect.stringContaining("Event 3 is stored as live, it was never sent so"),
    expect.stringContaining("Event 3 was sent as downloaded 500 ms"),
  ]);
});
