import { header } from "../../../shared/ami-event.ts";
import type { CallEvent } from "../types.ts";
import type { CallFold, Moment } from "./facts.ts";

/** The largest instant a Date can hold, epoch ms. */
const EPOCH_MS_MAX = 8_640_000_000_000_000;

/** Events of one moment may come in another order than their times; a clock that was set goes further back. */
const CLOCK_SET_MS = 1_000;

/** PBX time in epoch ms, going on where a clock that was set back in mid-call had been. */
export function pbxTime(event: CallEvent): number {
  return clockTime(event) + (event.setBackMs ?? 0);
}

/**
 * The event as the call is to see it. Talk, waits and ends are told by times, so within a call these must not leap back:
 * an answered call would look as if nobody had talked. When the clock is set right again the shift ends.
 */
export function steady(fold: CallFold, event: CallEvent, own: boolean): CallEvent {
  // Two clocks, each compared with itself: list answers bear no Timestamp even where all else does.
  const clock = event.ev["Timestamp"] === undefined ? fold.clocks.agent : fold.clocks.pbx;
  const at = clockTime(event);
  if (own) {
    if (clock.lastAt - at > CLOCK_SET_MS) clock.setBackMs += clock.lastAt - at;
    else if (at - clock.lastAt > clock.setBackMs - CLOCK_SET_MS) clock.setBackMs = 0;
    clock.lastAt = at;
  }
  return clock.setBackMs === 0 ? event : { ...event, setBackMs: clock.setBackMs };
}

/** `Timestamp` (epoch.micros) when Asterisk sends it, else the agent's capture time. */
export function clockTime(event: CallEvent): number {
  const stamp = event.ev["Timestamp"];
  if (stamp === undefined) return event.at;
  const ms = Math.round(Number(stamp) * 1000);
  return ms > 0 && ms <= EPOCH_MS_MAX ? ms : event.at;
}

export function momentOf(fold: CallFold, event: CallEvent): Moment {
  return { at: pbxTime(event), order: fold.order, event };
}

/** First value of a header unless absent, empty or Asterisk's "unknown". */
export function text(event: CallEvent, name: string): string | null {
  const value = header(event.ev, name);
  return value === undefined || value.startsWith("<unknown>") || value === "<none>" ? null : value;
}

export function integer(event: CallEvent, name: string): number | null {
  const value = header(event.ev, name);
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : null;
}
