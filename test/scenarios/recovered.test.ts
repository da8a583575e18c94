import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MARKERS } from "../../shared/ami-event.ts";
import { assemble, type AssembledCall, type CallEvent } from "../../server/assemble/index.ts";
import { blindBetween } from "../support/blind.ts";
import { differencesBeyond, differencesBeyondCdr } from "../support/cannot-tell.ts";
import { capture, captureNames } from "../support/captures.ts";
import { cdrRowsOf, celRowsOf, coarse, counted, without } from "../support/recovered.ts";
import { LAB, NO_SETTINGS } from "../support/truth-directory.ts";
import { eventsOf, type Rights } from "../support/truth-events.ts";
import { truthOf } from "../support/truth.ts";

const NAMES = captureNames();
const SHORT = NAMES.filter((name) => !name.includes("load300"));
/** Calls older than the capture: their rows tell more than was seen live. */
const WHOLE = NAMES.filter((name) => truthOf(name).connected_at === undefined);

/** Nobody is said to have asked for this hangup. */
function withoutSource(row: CallEvent | undefined): CallEvent {
  if (row === undefined) throw new Error("no such row");
  const Extra = String(row.ev["Extra"]).replace(/"hangupsource":"[^"]*"/, '"hangupsource":""');
  return { ...row, ev: { ...row.ev, Extra } };
}

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

  it.each(NAMES.filter((name) => name.includes("forward_302")))(
    "a phone that forwarded did so also when Asterisk put it down before it had said goodbye: %s",
    (name) => {
      const rows = celRowsOf(name);
      const forwarded = rows.findIndex(({ ev }) => ev["EventName"] === "FORWARD");
      const down = rows.findIndex(({ ev }, index) => index > forwarded && ev["EventName"] === "HANGUP");
      expect(rows[down]?.ev["Extra"]).toContain('"hangupsource":"PJSIP');
      const unnamed = rows.with(down, withoutSource(rows[down]));
      const calls = assemble([...unnamed, ...loginAfter(rows)], LAB);
      expect(differencesBeyond(truthOf(name), calls, unnamed)).toBe("");
    },
  );
});

describe("rows that Asterisk wrote in another order than their times, some microseconds apart", () => {
  /** The same rows; those of one millisecond stand in the file the other way round. */
  const turned = (rows: readonly CallEvent[]): CallEvent[] => {
    const inFile = [...Map.groupBy(rows, msOf).values()].flatMap((some) =>
      some.toSorted((a, b) => Number(b.ev["Timestamp"]) - Number(a.ev["Timestamp"])),
    );
    return inFile.map((row, index) => ({ ...row, seq: rows[index]?.seq ?? 0 }));
  };
  const msOf = ({ ev }: CallEvent): number => Math.round(Number(ev["Timestamp"]) * 1000);

  it.each(SHORT)("tell the same: %s", (name) => {
    const rows = celRowsOf(name);
    const other = turned(rows);
    expect(assemble([...other, ...loginAfter(other)], LAB).map(unkeyed)).toEqual(
      assemble([...rows, ...loginAfter(rows)], LAB).map(unkeyed),
    );
  });

  /** The phone that refused is put down so much later than the next is rung, microseconds. */
  const LATER = [-136, 133, 2_000];

  it.each(["16/queue_rrmemory", "22/queue_rrmemory"])(
    "a phone that was rung when another had refused, in a queue that rings one after the other: %s",
    (name) => {
      const rows = celRowsOf(name);
      const refused = rows.findIndex(({ ev }) => ev["EventName"] === "HANGUP" && ev["CallerIDnum"] === "158");
      const next = rows.findIndex(({ ev }) => ev["EventName"] === "CHAN_START" && ev["CallerIDnum"] === "159");
      const rungAt = Number(rows[next]?.ev["Timestamp"]);
      const put = (index: number, later: number, place: number): CallEvent => ({
        ...rows[index]!,
        seq: rows[place]!.seq,
        ev: { ...rows[index]!.ev, Timestamp: (rungAt + later / 1e6).toFixed(6) },
      });
      for (const later of LATER) {
        const swapped = rows
          .with(refused, put(refused, later, refused + 1))
          .with(refused + 1, put(refused + 1, later + 1, next))
          .with(next, put(next, 0, refused));
        const calls = assemble([...swapped, ...loginAfter(rows)], LAB);
        expect([later, calls[0]?.participants.map(({ info }) => info["wave"])]).toEqual([later, [1, 2, 3]]);
      }
    },
  );
});

describe("an event log as Asterisk's own examples have it", () => {
  /** cel.conf's example logs these only. */
  const LOGGED = new Set(["APP_START", "CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "BRIDGE_ENTER", "BRIDGE_EXIT"]);
  const outcomes = (calls: AssembledCall[]) =>
    calls.map(({ linkedid, callStatus }) => ({ linkedid, answered: callStatus === "answered" }));

  for (const name of SHORT.filter((each) => !each.includes("crash_kill9"))) {
    it(`still says who was answered, with few kinds of rows or no Linkedid: ${name}`, () => {
      const all = celRowsOf(name);
      const told = outcomes(assemble(all, LAB));
      const few = all.filter(({ ev }) => LOGGED.has(String(ev["EventName"])));
      expect(outcomes(assemble(few, LAB))).toEqual(told);
      if (name.includes("click_to_call")) return;
      const linkless = all.map((row) => ({
        ...row,
        ev: { Event: "CEL", ...Object.fromEntries(Object.entries(row.ev).filter(([header]) => header !== "LinkedID")) },
      }));
      expect(outcomes(assemble(linkless, LAB))).toEqual(told);
    });
  }
});

describe("calls of which there are call detail records only", () => {
  for (const name of NAMES) {
    it(`are one call each, with what a record holds: ${name}`, () => {
      const rows = cdrRowsOf(name);
      expect(differencesBeyondCdr(truthOf(name), assemble(rows, LAB), rows)).toBe("");
      const bare = without(rows, "LinkedID", "Sequence", "PeerAccount");
      expect(differencesBeyondCdr(truthOf(name), assemble(bare, LAB), bare)).toBe("");
    });
  }

  for (const name of NAMES) {
    it(`are one call each also by whole seconds: ${name}`, () => {
      for (const rows of [coarse(cdrRowsOf(name)), counted(cdrRowsOf(name))])
        expect(differencesBeyondCdr(truthOf(name), assemble(rows, LAB), rows)).toBe("");
    });
  }

  for (const name of SHORT) {
    it(`are as many calls even where no row has an id: ${name}`, () => {
      const rows = cdrRowsOf(name);
      const nameless = assemble(without(rows, "LinkedID", "Sequence", "UniqueID"), LAB);
      const outcome = (calls: AssembledCall[]) =>
        calls.map(({ callType, callStatus, phoneNumber, mainExtension }) => ({
          callType,
          callStatus,
          phoneNumber,
          mainExtension,
        }));
      expect(outcome(nameless)).toEqual(outcome(assemble(rows, LAB)));
    });
  }

  it("say nothing where the event log tells, or where somebody listened", () => {
    for (const name of WHOLE) {
      const [cel, cdr, live] = [celRowsOf(name), cdrRowsOf(name), eventsOf(capture(name), "recommended")];
      expect(assemble([...cel, ...cdr], LAB).map(unkeyed)).toEqual(assemble(cel, LAB).map(unkeyed));
      expect(assemble([...live, ...cdr], LAB).map(unkeyed)).toEqual(assemble(live, LAB).map(unkeyed));
    }
  });

  it.each(["16/group_pickup", "22/group_pickup", "16/pickup_directed", "22/pickup_directed"])(
    "tell that a call was taken by somebody no phone rang for, while nobody listened: %s",
    (name) => {
      const events = eventsOf(capture(name), "recommended");
      const [taken, bridged] = ["Pickup", "BridgeEnter"].map(
        (event) => events.find(({ ev }) => ev.Event === event)!.at,
      );
      const rows = cdrRowsOf(name);
      const { live, rows: read } = blindBetween(events, rows, taken! - 50, bridged! + 50);
      expect(differencesBeyondCdr(truthOf(name), assemble([...live, ...read], LAB), rows)).toBe("");
    },
  );

  it("tell that a phone was answered while nobody listened", () => {
    const events = eventsOf(capture("22/incoming_answered"), "recommended");
    const rings = events.find(({ ev }) => ev.Event === "DialBegin")!.at;
    const { live, rows } = blindBetween(events, cdrRowsOf("22/incoming_answered"), rings, events.at(-1)!.at + 1_000);
    expect(assemble(live, LAB)).toMatchObject([{ callStatus: "no_answer", extra: { completeness: "inferred_end" } }]);
    const [call] = assemble([...live, ...rows], LAB);
    expect(call).toMatchObject({ callStatus: "answered", mainExtension: "150", extra: { completeness: "recovered" } });
    expect(call?.participants).toMatchObject([{ extension: "150", status: "answered" }]);
  });
});

describe("a call that was not heard at its beginning, and the first of whose detail records was not read", () => {
  const several = WHOLE.filter((name) => {
    const [first, second] = cdrRowsOf(name);
    return second !== undefined && first?.ev["UniqueID"] === second.ev["UniqueID"] && truthOf(name).calls.length === 1;
  });

  it.each(several)("begins when its channel was made: %s", (name) => {
    const rows = coarse(cdrRowsOf(name));
    const heardFrom = Number(rows[1]?.ev["StartTime"]) * 1000 - 500;
    const { live } = blindBetween(eventsOf(capture(name), "recommended"), rows, 0, heardFrom);
    const [call] = assemble([...live, ...rows.slice(1)], LAB);
    const [told] = truthOf(name).calls;
    expect(Math.abs((call?.startTime ?? 0) - (told?.start_time ?? 0) * 1_000)).toBeLessThan(1_500);
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

  it.each([
    ["event log", celRowsOf],
    ["detail records", cdrRowsOf],
  ])("is the same when the agent's clock is another than Asterisk's: %s", (_, rowsOf) => {
    fc.assert(
      fc.property(anyHole, fc.integer({ min: -3_600_000, max: 3_600_000 }), ({ name, from, to }, aheadMs) => {
        const { live, rows } = holeIn(name, from, to, rowsOf(name));
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
  rows = celRowsOf(name),
): { whole: CallEvent[]; live: CallEvent[]; rows: CallEvent[] } {
  const whole = eventsOf(capture(name), "recommended");
  const [start, end] = [whole[0]!.at, whole.at(-1)!.at];
  const [from, to] = [one, other].sort((a, b) => a - b).map((part) => Math.floor(start + part * (end - start)));
  return { whole, ...blindBetween(whole, rows, from!, to!) };
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

/** The names that tie records of one call together are ids of it as well. */
function unkeyed(call: AssembledCall): unknown {
  return { ...call, keys: [] };
}

/** Everything but how many events it took and where in the streams they stand. */
function uncounted(call: AssembledCall): unknown {
  return { ...call, eventCount: 0, proof: [] };
}

function stepsOf(calls: readonly AssembledCall[]): string[] {
  return calls.flatMap((call) => call.steps.map(({ key }) => `${key.type} ${key.leg} ${key.nth}`)).sort();
}
