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
        const rows = rowsOf(recording);
        return recording.events.flatMap((_, from) => {
          nth += 1;
          const lastMs = CUT_MS[nth % CUT_MS.length] ?? 0;
          const lateMs = LATE_MS[Math.floor(nth / CUT_MS.length) % LATE_MS.length] ?? 0;
          return whatIsWrong(name, recording, rows, { from, lastMs, lateMs });
        });
      });
      expect(wrong).toEqual([]);
    });

    it(`by ${records}, and heard again between any two events of a burst, at any part of a second`, () => {
      let [tried, nth] = [0, 0];
      const wrong = NAMES.flatMap((name) => {
        const recording = moved(name, MOVED_MS[nth % MOVED_MS.length] ?? 0);
        const rows = rowsOf(recording);
        return recording.events.flatMap((first, from) => {
          nth += 1;
          const ends = placesOf(
            recording,
            ({ at }, place) => (place + nth * 7) % EVERY === 0 && at - first.at >= BACK_MS_MIN,
          );
          tried += ends.length;
          const lateMs = LATE_MS[nth % LATE_MS.length] ?? 0;
          return ends.flatMap((until) => whatIsWrong(name, recording, rows, { from, until, lateMs }));
        });
      });
      expect(tried).toBeGreaterThan(5_000);
      expect(wrong.length > tried * untoldMax ? wrong : []).toEqual([]);
    });

    it(`by ${records}, and heard again while the call ends: who answered meanwhile has answered`, () => {
      const names = NAMES.filter((name) => ANSWERED.some((one) => name.endsWith(`/${one}`)));
      const times = MOVED_MS.filter((_, nth) => nth % 2 === 0);
      const wrong = names.flatMap((name) => times.flatMap((ms) => wrongAtTheEnd(name, moved(name, ms), rowsOf)));
      expect(wrong).toEqual([]);
    });
  }
});

function wrongAtTheEnd(name: string, recording: Recording, rowsOf: Records["rowsOf"]): string[] {
  const rows = rowsOf(recording);
  const last = recording.events.at(-1)?.at ?? 0;
  const begins = placesOf(recording, ({ at }, place) => place % 5 === 0 && at < last - BACK_MS_MIN);
  const ends = placesOf(recording, ({ at }) => at >= last - BURST_MS);
  return begins.flatMap((from) =>
    ends.flatMap((until) => whatIsWrong(name, recording, rows, { from, until, lateMs: 5 })),
  );
}

function placesOf({ events }: Recording, holds: (event: CallEvent, place: number) => boolean): number[] {
  return [...events.keys()].filter((place) => holds(events[place]!, place));
}

/** AMI is away after the event at place `from`, so long or until after another; events are heard `lateMs` late. */
type Away = { from: number; lateMs: number } & ({ lastMs: number } | { until: number });

/** What is not told as it was, by what was heard before and after, and rows of the time between. */
function whatIsWrong(name: string, { events, truth }: Recording, rows: readonly CallEvent[], away: Away): string[] {
  const isCdr = rows[0]?.ev.Event === "Cdr";
  if (isCdr && isWithinPickup(events, away.from)) return [];
  const late = (event: CallEvent): number => (event.ev["Timestamp"] === undefined ? away.lateMs : 0);
  // Events of one burst have the same time: a cut may be between any two of them.
  const apart = events.map((event, index) => ({ ...event, at: event.at + late(event) + index / (2 * events.length) }));
  const from = apart[away.from]!.at;
  const to = "until" in away ? apart[away.until]!.at : from + away.lastMs;
  const { live, rows: read } = blindBetween(apart, rows, from, to);
  const heard = live.map((event) => ({ ...event, at: Math.floor(event.at) }));
  const differences = isCdr ? differencesBeyondCdr : differencesBeyond;
  const found = differences(truth, assemble([...heard, ...read], LAB), rows);
  const blind = `${name}, from ${away.from} ${events[away.from]?.ev.Event} for ${Math.round(to - from)} ms, ${away.lateMs} ms late`;
  return found === "" ? [] : [`${blind}: ${found}`];
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
