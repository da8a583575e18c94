import { header } from "../../../shared/ami-event.ts";
import type { CallEvent } from "../types.ts";
import type { CallFold, Moment } from "./facts.ts";

/** The largest instant a Date can hold, epoch ms. */
const EPOCH_MS_MAX = 8_640_000_000_000_000;

/** PBX time in epoch ms: `Timestamp` (epoch.micros) when Asterisk sends it, else the agent's capture time. */
export function pbxTime(event: CallEvent): number {
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
