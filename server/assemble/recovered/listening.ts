import { header, MARKERS } from "../../../shared/ami-event.ts";
import { clockTime } from "../facts/moment.ts";
import type { CallEvent } from "../types.ts";

/** What was heard so long before AMI was lost had been heard for sure, ms beyond what it came late. */
const SURELY_MS = 300;

interface Blind {
  from: number;
  to: number;
}

/** How the clock of who listened stands to Asterisk's, and how long after its time an event was heard at most, ms. */
export interface Clocks {
  aheadMs: number;
  lateMs: number;
}

/** When somebody listened to a call, by the events and markers that came of it. Times are epoch ms by Asterisk's clock. */
export class Listening {
  readonly #blind: readonly Blind[];

  constructor(live: readonly CallEvent[], { aheadMs, lateMs }: Clocks) {
    const first = live.find(({ ev }) => header(ev, "Uniqueid") !== undefined && ev.Event !== MARKERS.snapshot);
    const before = { from: -Infinity, to: first === undefined ? Infinity : clockTime(first) };
    this.#blind = [before, ...blindTimes(live)].map(({ from, to }) => ({
      from: from - aheadMs - lateMs - SURELY_MS,
      to: to - aheadMs + SURELY_MS,
    }));
  }

  /** Whether what happened then was heard. */
  at(time: number): boolean {
    return this.unheardFrom(time) !== time;
  }

  /** The first moment from then on of which that is not sure; Infinity: all was heard. */
  unheardFrom(time: number): number {
    if (this.#blind.some(({ from, to }) => from <= time && time <= to)) return time;
    return Math.min(...this.#blind.map(({ from }) => from).filter((from) => from > time));
  }
}

/** A session that began without a word of when the one before was lost: nothing until then was heard for sure. */
function blindTimes(live: readonly CallEvent[]): Blind[] {
  const times: Blind[] = [];
  let lostAt: number | null = null;
  for (const event of live) {
    const at = clockTime(event);
    if (event.ev.Event === MARKERS.captureLost)
      lostAt = Math.min(lostAt ?? Infinity, Number(header(event.ev, "Since") ?? at));
    if (event.ev.Event !== MARKERS.captureStarted) continue;
    times.push({ from: lostAt ?? -Infinity, to: at });
    lostAt = null;
  }
  return lostAt === null ? times : [...times, { from: lostAt, to: Infinity }];
}
