import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MARKERS } from "../../shared/ami-event.ts";
import { assemble, type AssembledCall, type CallEvent } from "../../server/assemble/index.ts";
import { blindBetween } from "../support/blind.ts";
import { differencesBeyond } from "../support/cannot-tell.ts";
import { capture, captureNames } from "../support/captures.ts";
import { celRowsOf } from "../support/recovered.ts";
import { LAB, NO_SETTINGS } from "../support/truth-directory.ts";
import { eventsOf, type Rights } from "../support/truth-events.ts";
import { truthOf } from "../support/truth.ts";

const NAMES = captureNames();
const SHORT = NAMES.filter((name) => !name.includes("load300"));
/** Calls older than the capture: their rows tell more than was seen live. */
const WHOLE = NAMES.filter((name) => truthOf(name).connected_at === undefined);

/** The agent is back when all is over: a login that finds no channel. */
function loginAfter(rows: readonly CallEvent[]): CallEvent[] {
  const last = Math.max(...rows.map(({ ev }) => Number(ev["Timestamp"]) * 1000));
  const markers = [
    { Event: MARKERS.captureStarted, Repair: "pending" },
    { Event: MARKERS.snapshot, Uniqueid: [], Linkedid: [], Complete: "true" },
  ];
  return markers.map((ev, index) => ({ stream: 1, seq: index + 1, at: Math.ceil(last) + 2_000, origin: "live", ev }));
}

describe("calls of which nobody heard anything, told by Asterisk's channel event log alone", () => {
  for (const name of NAMES) {
    for (const directory of [LAB, NO_SETTINGS]) {
      it(`are told as they happened: ${name}${directory === LAB ? "" : ", without settings"}`, () => {
        const rows = celRowsOf(name);
        const calls = assemble([...rows, ...loginAfter(rows)], directory);
        expect(differencesBeyond(truthOf(name), calls, rows)).toBe("");
        const sources = new Set(calls.map((call) => call.dataSource));
        expect([...sources]).toEqual(["downloaded"]);
      });
    }
  }

  it("say that they were recovered, and show the rows themselves as what is behind their steps", () => {
    const [call] = assemble(celRowsOf("22/incoming_answered"), LAB);
    expect(call).toMatchObject({ ended: true, proof: [], extra: { completeness: "recovered" } });
    expect(call?.steps.map(({ key, event }) => `${key.type} ${String(event["EventName"])}`)).toEqual([
      "start CHAN_START",
      "dial CHAN_START",
      "bridge BRIDGE_ENTER",
      "hangup HANGUP",
    ]);
  });
});

describe("rows of calls that were heard from beginning to end", () => {
  const rights: Rights[] = ["everything", "recommended", "call"];
  for (const name of WHOLE) {
    it(`change nothing: ${name}`, () => {
      for (const right of rights) {
        const live = eventsOf(capture(name), right);
        expect(assemble([...live, ...celRowsOf(name)], LAB)).toEqual(assemble(live, LAB));
      }
    });
  }

  for (const name of WHOLE) {
    it(`change nothing when Asterisk sends them over AMI as well: ${name}`, () => {
      const live = eventsOf(capture(name), "recommended");
      expect(assemble(withCelManager(live, name), LAB).map(uncounted)).toEqual(assemble(live, LAB).map(uncounted));
    });
  }
});

describe("a call that was heard in part", () => {
  const anyHole = fc.record({
    name: fc.constantFrom(...SHORT),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    to: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it("is what it would have been, whenever the agent was blind, and never less than without the rows", () => {
    fc.assert(
      fc.property(anyHole, ({ name, from, to }) => {
        const { live, rows, whole } = holeIn(name, from, to);
        const calls = assemble([...live, ...rows], LAB);
        expect(differencesBeyond(truthOf(name), calls, celRowsOf(name))).toBe("");
        expect(stepsOf(calls)).toEqual(stepsOf(assemble(whole, LAB)));
      }),
      { numRuns: 1_000, seed: 20_261_124 },
    );
  });

  it("is the same whatever order its events and rows come in, and when rows come twice, or from two files", () => {
    fc.assert(
      fc.property(anyHole, fc.infiniteStream(fc.nat()), ({ name, from, to }, picks) => {
        const { live, rows } = holeIn(name, from, to);
        const calls = assemble([...live, ...rows], LAB);
        const copied = rows.map((row) => ({ ...row, stream: row.stream + 100 }));
        const many = [...live, ...rows, ...rows.slice(rows.length >> 1), ...copied];
        for (let at = many.length - 1; at > 0; at--) {
          const other = picks.next().value % (at + 1);
          [many[at], many[other]] = [many[other]!, many[at]!];
        }
        expect(assemble(many, LAB).map(uncounted)).toEqual(calls.map(uncounted));
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  it("is the same when the agent's clock is another than Asterisk's", () => {
    fc.assert(
      fc.property(anyHole, fc.integer({ min: -3_600_000, max: 3_600_000 }), ({ name, from, to }, aheadMs) => {
        const { live, rows } = holeIn(name, from, to);
        const heard = live.filter(({ ev }) => ev.Event === "Newchannel").length > 0;
        if (!heard || Math.abs(aheadMs) < 5_000) return;
        const shifted = live.map((event) => shift(event, aheadMs));
        const status = (calls: AssembledCall[]) =>
          calls.map(({ linkedid, callStatus, mainExtension }) => ({ linkedid, callStatus, mainExtension }));
        expect(status(assemble([...shifted, ...rows], LAB))).toEqual(status(assemble([...live, ...rows], LAB)));
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

function holeIn(
  name: string,
  one: number,
  other: number,
): { whole: CallEvent[]; live: CallEvent[]; rows: CallEvent[] } {
  const whole = eventsOf(capture(name), "recommended");
  const [start, end] = [whole[0]!.at, whole.at(-1)!.at];
  const [from, to] = [one, other].sort((a, b) => a - b).map((part) => Math.floor(start + part * (end - start)));
  return { whole, ...blindBetween(whole, celRowsOf(name), from!, to!) };
}

/** The stream with the log's rows among it, as Asterisk sends them with cel_manager on. */
function withCelManager(live: readonly CallEvent[], name: string): CallEvent[] {
  const sent = celRowsOf(name).map(({ ev: { Timestamp, ...ev } }) => ({
    at: Math.ceil(Number(Timestamp) * 1000),
    ev: { ...ev, Event: "CEL", EventTime: "2026-11-24 04:00:00" },
  }));
  const both = [...live.map(({ at, ev }) => ({ at, ev })), ...sent].toSorted((a, b) => a.at - b.at);
  return both.map(({ at, ev }, index) => ({ stream: 1, seq: index + 1, at, origin: "live", ev }));
}

function shift(event: CallEvent, ms: number): CallEvent {
  const since = event.ev["Since"];
  const ev = since === undefined ? event.ev : { ...event.ev, Since: String(Number(since) + ms) };
  return { ...event, at: event.at + ms, ev };
}

/** Everything but how many events it took and where in the streams they stand. */
function uncounted(call: AssembledCall): unknown {
  return { ...call, eventCount: 0, proof: [] };
}

function stepsOf(calls: readonly AssembledCall[]): string[] {
  return calls.flatMap((call) => call.steps.map(({ key }) => `${key.type} ${key.leg} ${key.nth}`)).sort();
}
