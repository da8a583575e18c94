import { describe, expect, it } from "vitest";
import { assemble, type CallEvent } from "../../server/assemble/index.ts";
import { blindBetween } from "../support/blind.ts";
import { differencesBeyond, differencesBeyondCdr } from "../support/cannot-tell.ts";
import { captureNames } from "../support/captures.ts";
import { moved, type Recording } from "../support/moved.ts";
import { coarse, counted } from "../support/recovered.ts";
import { LAB } from "../support/truth-directory.ts";
import { truthOf } from "../support/truth.ts";

/** Calls older than the recording were heard by nobody from their beginning, and a load is many times the same. */
const NAMES = captureNames().filter((name) => truthOf(name).connected_at === undefined && !name.includes("load300"));
const RECORDS: Record<string, Records> = {
  "the event log": { rowsOf: ({ cel }) => cel, untoldMax: 0.0005 },
  "detail records": { rowsOf: ({ cdr }) => cdr, untoldMax: 0.002 },
  "detail records of whole seconds": { rowsOf: ({ cdr }) => coarse(cdr), untoldMax: 0.002 },
  "detail records of a beginning and a length": { rowsOf: ({ cdr }) => counted(cdr), untoldMax: 0.002 },
};
const CUT_MS = [1_500, 4_000, 100_000];
const LATE_MS = [0, 20, 150];
/** A session needs longer to begin, ms. */
const BACK_MS_MIN = 100;
/** Where in a second a recording began, ms later than it did. */
const MOVED_MS = [0, 130, 260, 390, 530, 640, 770, 900];
/** Of the pairs of events between which AMI is away every so many are tried, others of each recording. */
const EVERY = 17;
/** Answered calls in which phones rang at once or one after the other. */
const ANSWERED = ["incoming_answered", "local_group_answered", "ring_group_answered", "queue_rrmemory", "two_devices"];
/** The events of a call's end come within this, ms. */
const BURST_MS = 10;

interface Records {
  rowsOf(recording: Recording): CallEvent[];
  /** The share of blind times that begin or end in the very milliseconds of which records cannot tell all: docs/call-model.md. */
  untoldMax: number;
}

describe("wherever AMI was cut, however long and however late events were heard, the call is told as it happened", () => {
  for (const [records, { rowsOf, untoldMax }] of Object.entries(RECORDS)) {
    it(`by ${records}, after each single event of all recordings`, () => {
      let nth = 0;
      const wrong = NAMES.flatMap((name) => {
        const recording = moved(name, 0);
        return recording.events.flatMap((_, place) => {
          nth += 1;
          const lastMs = CUT_MS[nth % CUT_MS.length] ?? 0;
          const lateMs = LATE_MS[Math.floor(nth / CUT_MS.length) % LATE_MS.length] ?? 0;
          const from = { place, lateMs };
          return whatIsWrong(name, recording, rowsOf(recording), from, (at) => at + lastMs) ?? [];
        });
      });
      expect(wrong).toEqual([]);
    });

    it(`by ${records}, and heard again between any two events of a burst, at any part of a second`, () => {
      let [tried, nth] = [0, 0];
      const wrong = NAMES.flatMap((name) => {
        const recording = moved(name, MOVED_MS[nth % MOVED_MS.length] ?? 0);
        const rows = rowsOf(recording);
        return recording.events.flatMap((first, place) => {
          nth += 1;
          const ends = recording.events.filter(
            ({ at }, end) => (end + nth * 7) % EVERY === 0 && at - first.at >= BACK_MS_MIN,
          );
          tried += ends.length;
          const from = { place, lateMs: LATE_MS[nth % LATE_MS.length] ?? 0 };
          return ends.flatMap(
            (end) => whatIsWrong(name, recording, rows, from, (_, apart) => timeIn(apart, end)) ?? [],
          );
        });
      });
      expect(tried).toBeGreaterThan(5_000);
      expect(wrong.length > tried * untoldMax ? wrong : []).toEqual([]);
    });

    it(`by ${records}, and heard again while the call ends: who answered meanwhile has answered`, () => {
      const wrong = NAMES.filter((name) => ANSWERED.some((one) => name.endsWith(`/${one}`))).flatMap((name) =>
        MOVED_MS.filter((_, nth) => nth % 2 === 0).flatMap((movedMs) => {
          const recording = moved(name, movedMs);
          const { events } = recording;
          const last = events.at(-1)?.at ?? 0;
          const ends = events.filter(({ at }) => at >= last - BURST_MS);
          const begins = [...events.keys()].filter(
            (place) => place % 5 === 0 && events[place]!.at < last - BACK_MS_MIN,
          );
          return begins.flatMap((place) =>
            ends.flatMap(
              (end) =>
                whatIsWrong(name, recording, rowsOf(recording), { place, lateMs: 5 }, (_, apart) =>
                  timeIn(apart, end),
                ) ?? [],
            ),
          );
        }),
      );
      expect(wrong).toEqual([]);
    });
  }
});

interface From {
  place: number;
  lateMs: number;
}

/** Null when the call is told as it was, by what was heard before the event at `place` and after the end, and rows of the time between. */
function whatIsWrong(
  name: string,
  { events, truth }: Recording,
  rows: readonly CallEvent[],
  { place, lateMs }: From,
  end: (from: number, apart: readonly CallEvent[]) => number,
): string | null {
  const isCdr = rows[0]?.ev.Event === "Cdr";
  if (isCdr && isWithinPickup(events, place)) return null;
  const late = (event: CallEvent): number => (event.ev["Timestamp"] === undefined ? lateMs : 0);
  // Events of one burst have the same time: a cut may be between any two of them.
  const apart = events.map((event, index) => ({ ...event, at: event.at + late(event) + index / (2 * events.length) }));
  const from = apart[place]!.at;
  const to = end(from, apart);
  const { live, rows: read } = blindBetween(apart, rows, from, to);
  const heard = live.map((event) => ({ ...event, at: Math.floor(event.at) }));
  const differences = isCdr ? differencesBeyondCdr : differencesBeyond;
  const found = differences(truth, assemble([...heard, ...read], LAB), rows);
  const blind = `${name}, from ${place} ${events[place]?.ev.Event} for ${Math.round(to - from)} ms, ${lateMs} ms late`;
  return found === "" ? null : `${blind}: ${found}`;
}

function timeIn(apart: readonly CallEvent[], { seq }: CallEvent): number {
  return apart.find((event) => event.seq === seq)?.at ?? Infinity;
}

/**
 * A phone that takes another's call is there for a moment before it says so. Heard no further than that it is a call of its own:
 * a detail record names only the call it took.
 */
function isWithinPickup(events: readonly CallEvent[], place: number): boolean {
  return events.some(({ ev: pickup }, said) => {
    if (pickup.Event !== "Pickup" || said <= place) return false;
    const made = events.findIndex(({ ev }) => ev.Event === "Newchannel" && ev["Uniqueid"] === pickup["Uniqueid"]);
    return made <= place;
  });
}
