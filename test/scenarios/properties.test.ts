import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AmiEvent } from "../../shared/ami-event.ts";
import {
  assemble,
  foldCalls,
  foldEvent,
  isSiteMarker,
  linkKeys,
  newFold,
  readCall,
  type AssembledCall,
  type CallEvent,
} from "../../server/assemble/index.ts";
import { capture, captureNames } from "../support/captures.ts";
import { LAB } from "../support/truth-directory.ts";
import { eventsOf } from "../support/truth-events.ts";

const NAMES = captureNames().filter((name) => !name.includes("load300"));
const anyCapture = fc.constantFrom(...NAMES).map((name) => eventsOf(capture(name), "recommended"));
const RUNS = { numRuns: 150 };

describe("order and pieces", () => {
  it("shuffled, repeated events give the same calls", () => {
    fc.assert(
      fc.property(anyCapture, fc.infiniteStream(fc.nat()), (events, picks) => {
        const shuffled = shuffle([...events, ...events.filter(() => picks.next().value % 3 === 0)], picks);
        expect(assemble(shuffled, LAB)).toEqual(assemble(events, LAB));
      }),
      RUNS,
    );
  });

  it("two lanes, each in order, in any interleaving and read after every batch, end in the same calls", () => {
    fc.assert(
      fc.property(
        anyCapture,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.infiniteStream(fc.nat()),
        (events, cut, picks) => {
          const at = Math.floor(events.length * cut);
          const lanes = [events.slice(at), events.slice(0, at)];
          const received: CallEvent[] = [];
          while (lanes.some((lane) => lane.length > 0)) {
            const lane = lanes[picks.next().value % 2]!;
            received.push(...lane.splice(0, 1 + (picks.next().value % 20)));
            assemble(received, LAB);
          }
          expect(assemble(received, LAB)).toEqual(assemble(events, LAB));
        },
      ),
      RUNS,
    );
  });

  it("folding on and reading now and then tells the same as folding at once", () => {
    fc.assert(
      fc.property(anyCapture, fc.infiniteStream(fc.nat()), (events, picks) => {
        for (const group of callsOf(events)) {
          const fold = newFold();
          for (const event of group) {
            foldEvent(fold, event);
            if (picks.next().value % 4 === 0) readCall(fold, LAB);
          }
          const once = newFold();
          for (const event of group) foldEvent(once, event);
          expect(readCall(fold, LAB)).toEqual(readCall(once, LAB));
        }
      }),
      RUNS,
    );
  });

  it("calls of two sites with the same ids at the same second do not touch each other", () => {
    fc.assert(
      fc.property(anyCapture, anyCapture, fc.infiniteStream(fc.nat()), (one, other, picks) => {
        const sites = new Map([
          [1, one],
          [2, other],
        ]);
        const mixed = shuffle(
          [...sites].flatMap(([site, events]) => events.map((event) => ({ site, event }))),
          picks,
        );
        const bySite = Map.groupBy(mixed, ({ site }) => site);
        for (const [site, entries] of bySite) {
          const calls = assemble(
            entries.map(({ event }) => event),
            LAB,
          );
          expect(calls).toEqual(assemble(sites.get(site)!, LAB));
        }
      }),
      RUNS,
    );
  });

  it("events of different channels may change places as AMI allows", () => {
    fc.assert(
      fc.property(anyCapture, fc.infiniteStream(fc.nat()), (events, picks) => {
        const jostled = jostle(events, picks);
        expect(assemble(jostled, LAB).map(outcome)).toEqual(assemble(events, LAB).map(outcome));
      }),
      { numRuns: 400 },
    );
  });
});

describe("garbage", () => {
  it("missing headers, unknown events, odd ids and absurd times never throw", () => {
    fc.assert(
      fc.property(anyCapture, fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.string()), (events, picks, texts) => {
        const spoilt = events.map((event) => ({ ...event, ev: spoil(event.ev, picks, texts) }));
        for (const call of assemble(spoilt, LAB)) expect(call.steps.length).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  it("an event without a name is told apart, not swallowed", () => {
    const nameless = { stream: 1, seq: 7, at: 0, origin: "live" as const, ev: {} as AmiEvent };
    expect(() => foldEvent(newFold(), nameless)).toThrow("stream 1 seq 7");
  });

  it("a call of 50,000 events stops growing, says so, and still ends", () => {
    const events = eventsOf(capture("22/incoming_answered"), "recommended");
    const answered = events.findIndex((event) => event.ev.Event === "HangupRequest");
    const call = events.find((event) => event.ev.Event === "BridgeEnter")!;
    const noise = Array.from({ length: 51_000 }, () => ({ ...call, ev: { ...call.ev, Event: "Newexten" } }));
    const long = [...events.slice(0, answered), ...noise, ...events.slice(answered)].map((event, index) => ({
      ...event,
      seq: index + 1,
    }));
    const [told] = assemble(long, LAB);
    expect(told).toMatchObject({ truncated: true, ended: true, callStatus: "answered" });
    expect(told!.eventCount).toBeGreaterThan(51_000);
  });
});

/** Events of each call, site markers included, as a writer would fold them. */
function callsOf(events: CallEvent[]): CallEvent[][] {
  const keys = foldCalls(events).map((fold) => readCall(fold, LAB).keys);
  return keys.map((own) =>
    events.filter((event) => isSiteMarker(event.ev) || linkKeys(event.ev).some((key) => own.includes(key))),
  );
}

function shuffle<T>(items: T[], picks: Iterator<number>): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = picks.next().value % (at + 1);
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
  return items;
}

/** How far apart two events may be and still overtake each other, ms. */
const OVERTAKING_MS = 3;

/** Lets neighbours without a channel or bridge in common change places; places keep their seq and time. */
function jostle(events: CallEvent[], picks: Iterator<number>): CallEvent[] {
  const places = events.map(({ seq, at }) => ({ seq, at }));
  const order = [...events];
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at + 1 < order.length; at++) {
      const [one, other] = [order[at]!, order[at + 1]!];
      const close = places[at + 1]!.at - places[at]!.at <= OVERTAKING_MS;
      if (close && picks.next().value % 2 === 0 && apart(one.ev, other.ev)) [order[at], order[at + 1]] = [other, one];
    }
  }
  return order.map((event, index) => ({ ...event, ...places[index]! }));
}

/** Neither speaks of a channel or a bridge of the other; markers and snapshots keep their place. */
function apart(one: AmiEvent, other: AmiEvent): boolean {
  if (isFixed(one) || isFixed(other)) return false;
  const ids = new Set(idsOf(one));
  return !idsOf(other).some((id) => ids.has(id));
}

function isFixed(ev: AmiEvent): boolean {
  return (
    isSiteMarker(ev) || ev.Event === "CoreShowChannel" || ev.Event === "Status" || ev.Event === "OriginateResponse"
  );
}

function idsOf(ev: AmiEvent): string[] {
  return Object.entries(ev)
    .filter(([name]) => name.endsWith("Uniqueid"))
    .map(([, value]) => String(value));
}

/** All of a call but which event of the same moment stands behind a step. */
function outcome(call: AssembledCall): unknown {
  const { linkedid, callType, callStatus, phoneNumber, trunk, mainExtension, extensionsCount, durationSeconds } = call;
  const participants = call.participants.map((one) => [
    one.extension,
    one.status,
    one.disconnectReason,
    one.ringDurationSeconds,
    one.info["wave"],
  ]);
  const steps = call.steps.map((step) => `${step.key.type} ${step.key.leg} ${step.key.nth}`).toSorted();
  return {
    linkedid,
    callType,
    callStatus,
    phoneNumber,
    trunk,
    mainExtension,
    extensionsCount,
    durationSeconds,
    participants,
    steps,
  };
}

/** Drops, empties, doubles or replaces some headers. */
function spoil(ev: AmiEvent, picks: Iterator<number>, texts: Iterator<string>): AmiEvent {
  const spoilt: AmiEvent = { Event: ev.Event };
  for (const [name, value] of Object.entries(ev)) {
    const kind = picks.next().value % 40;
    if (kind === 0) continue;
    if (kind === 1) spoilt[name] = texts.next().value;
    else if (kind === 2 && name !== "Event") spoilt[name] = [String(value), texts.next().value];
    else if (kind === 3) spoilt[name] = name === "Event" ? "NoSuchEvent" : "<unknown>";
    else spoilt[name] = value;
  }
  if (picks.next().value % 10 === 0)
    spoilt["Timestamp"] = ["-1", "1e400", "99999999999999", "0.000001"][picks.next().value % 4]!;
  return spoilt;
}
