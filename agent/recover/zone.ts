import type { LocalStamp } from "./stamp.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Two clocks, the one that names channels and the one that stamps rows, may differ by so much. */
const BEFORE_BIRTH_MS = 2_000;
/** Rows of several channels may stand a little out of order. */
const OUT_OF_ORDER_MS = 300_000;

/** How far local time is ahead of UTC at a moment, in minutes. */
export interface Zone {
  offsetMinutes(epochMs: number): number;
}

export const UTC: Zone = { offsetMinutes: () => 0 };
/** The zone of this machine: its TZ, or /etc/localtime. */
export const boxZone: Zone = { offsetMinutes: (epochMs) => -new Date(epochMs).getTimezoneOffset() };

/** A zone by its IANA name; "" is the machine's. @throws RangeError for a name nobody knows. */
export function zoneNamed(name: string): Zone {
  if (name === "") return boxZone;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  // Rows come in order: the answer for one quarter of an hour serves thousands of them.
  let known = { quarter: Number.NaN, minutes: 0 };
  return {
    offsetMinutes(epochMs) {
      const quarter = Math.floor(epochMs / (15 * MINUTE_MS));
      if (quarter !== known.quarter) known = { quarter, minutes: offsetAt(format, quarter * 15 * MINUTE_MS) };
      return known.minutes;
    },
  };
}

function offsetAt(format: Intl.DateTimeFormat, epochMs: number): number {
  const part = Object.fromEntries(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - epochMs) / MINUTE_MS);
}

/** What helps where a local time means two moments, or the year is not told; epoch ms. */
export interface Hints {
  /** The channel's birth, from its Uniqueid: nothing happens to it earlier. */
  notBefore?: number | undefined;
  /** The row before in the file. */
  previous?: number | undefined;
  /** Some moment of the same year. */
  about: number;
}

/** The moment a stamp means, epoch ms without its micros; null when there is no such day. */
export function momentOf(stamp: LocalStamp, zone: Zone, hints: Hints): number | null {
  const years = stamp.year === null ? yearsAbout(hints.notBefore ?? hints.previous ?? hints.about) : [stamp.year];
  const moments = years.flatMap((year) => momentsIn(stamp, year, zone)).toSorted((a, b) => a - b);
  if (stamp.year === null) return nearest(moments, hints.notBefore ?? hints.previous ?? hints.about);
  const born = keepSome(moments, (at) => hints.notBefore === undefined || at >= hints.notBefore - BEFORE_BIRTH_MS);
  const next = keepSome(born, (at) => hints.previous === undefined || at >= hints.previous - OUT_OF_ORDER_MS);
  return next[0] ?? null;
}

/** Both moments where the clock was set back, the one after the leap where it was set forward. */
function momentsIn(
  { month, day, hour, minute, second, offsetMinutes }: LocalStamp,
  year: number,
  zone: Zone,
): number[] {
  const utc = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(utc);
  if (Number.isNaN(utc) || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return [];
  if (offsetMinutes !== null) return [utc - offsetMinutes * MINUTE_MS];
  const offsets = [...new Set([zone.offsetMinutes(utc - DAY_MS), zone.offsetMinutes(utc + DAY_MS)])];
  const meant = offsets.map((minutes) => utc - minutes * MINUTE_MS);
  const real = meant.filter((at, index) => zone.offsetMinutes(at) === offsets[index]);
  return real.length > 0 ? real : meant.slice(0, 1);
}

function yearsAbout(epochMs: number): number[] {
  const year = new Date(epochMs).getUTCFullYear();
  return [year - 1, year, year + 1];
}

function nearest(moments: readonly number[], to: number): number | null {
  return moments.toSorted((a, b) => Math.abs(a - to) - Math.abs(b - to))[0] ?? null;
}

/** Those that hold, or all when none does. */
function keepSome(moments: readonly number[], holds: (at: number) => boolean): readonly number[] {
  const kept = moments.filter(holds);
  return kept.length > 0 ? kept : moments;
}
