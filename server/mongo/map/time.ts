import { isObject, type Json } from "../json.ts";
import { fromWallClock } from "./zone.ts";

/** Calls were not logged before this, nor will be after: what lies outside is not a time but a mistake. */
const EARLIEST_MS = Date.UTC(1990, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
/** Below this a number counts seconds, below the next milliseconds, then microseconds, then nanoseconds. */
const SECONDS_BELOW = 1e11;
const MILLISECONDS_BELOW = 1e14;
const MICROSECONDS_BELOW = 1e17;

/**
 * A moment in any shape people stored: Date, ISO text with or without zone, `dd.mm.yyyy hh:mm:ss`, epoch seconds,
 * milliseconds or finer, as number, text, Int64 or Decimal128, and BSON's Timestamp.
 * Epoch ms; undefined when it is none. `zone` (IANA) holds where none is given.
 */
export function readTime(value: Json | undefined, zone: string): number | undefined {
  const ms = anyTime(value, zone);
  if (ms === undefined || !(ms >= EARLIEST_MS && ms < LATEST_MS)) return undefined;
  return Math.round(ms);
}

/** Whether somebody wrote something here that was meant as a time. */
export function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== "" && value !== 0;
}

function anyTime(value: Json | undefined, zone: string): number | undefined {
  if (typeof value === "number") return fromEpoch(value);
  if (typeof value === "string") return fromText(value.trim(), zone);
  if (!isObject(value)) return undefined;
  return wrappedTime(value, zone);
}

function wrappedTime(value: { [key: string]: Json }, zone: string): number | undefined {
  const { $date, $numberLong, $numberDecimal, $timestamp } = value;
  if (typeof $date === "string") return fromText($date, zone);
  if (typeof $numberLong === "string") return fromEpoch(Number($numberLong));
  if (typeof $numberDecimal === "string") return fromEpoch(Number($numberDecimal));
  if (isObject($timestamp) && typeof $timestamp["t"] === "number") return $timestamp["t"] * 1000;
  return undefined;
}

function fromEpoch(number: number): number | undefined {
  const size = Math.abs(number);
  if (size < SECONDS_BELOW) return number * 1000;
  if (size < MILLISECONDS_BELOW) return number;
  if (size < MICROSECONDS_BELOW) return number / 1e3;
  return number / 1e6;
}

const NUMBER = /^\d{9,19}(\.\d+)?$/;
const ZONE = String.raw`(?:\s*(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?))?`;
const CLOCK = String.raw`(?:[T\s]+(\d\d?):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)${CLOCK}${ZONE}$`, "i");
const DAY_FIRST = new RegExp(String.raw`^(\d\d?)[./-](\d\d?)[./-](\d{4})${CLOCK}${ZONE}$`, "i");

function fromText(text: string, zone: string): number | undefined {
  if (NUMBER.test(text)) return fromEpoch(Number(text));
  const year = YEAR_FIRST.exec(text);
  if (year !== null) return fromParts(year.slice(1, 4), year.slice(4), zone);
  const day = DAY_FIRST.exec(text);
  if (day !== null) return fromParts(day.slice(1, 4).reverse(), day.slice(4), zone);
  return undefined;
}

type Parts = readonly (string | undefined)[];

/** `date` is year, month, day; `rest` hour, minute, second, fraction and zone as matched. */
function fromParts(date: Parts, rest: Parts, zone: string): number | undefined {
  const [year, month, day] = date.map(Number);
  const [hour, minute, second, fraction, offset] = rest;
  const ms = Number(`0.${fraction ?? "0"}`) * 1000;
  const clock = [hour, minute, second].map((part) => Number(part ?? 0)) as [number, number, number];
  if (!isCalendarDay(year, month, day) || clock[0] > 23 || clock[1] > 59 || clock[2] > 60) return undefined;
  const wall = Date.UTC(year ?? 0, (month ?? 0) - 1, day, ...clock);
  return offset === undefined ? fromWallClock(wall, zone) + ms : wall - offsetOf(offset) + ms;
}

/** Date.UTC carries 31 February over into March; that is not what was written. */
function isCalendarDay(year = 0, month = 0, day = 0): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function offsetOf(text: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}

/** A length of time in seconds: a number, its text, or `h:mm:ss` / `mm:ss`. undefined when it is none or negative. */
export function readSeconds(value: Json | undefined): number | undefined {
  const seconds = anySeconds(value);
  return seconds !== undefined && seconds >= 0 && seconds <= 2_147_483_647 ? Math.round(seconds) : undefined;
}

function anySeconds(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (isObject(value)) return anySeconds(value["$numberLong"] ?? value["$numberDecimal"]);
  if (typeof value !== "string") return undefined;
  const text = value.trim().replace(",", ".");
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^\d+(:\d\d){1,2}$/.test(text)) return undefined;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The moment in the epoch part of an Asterisk id, `[system-]1749034247.6528`; undefined when it has none. */
export function timeOfUniqueId(uniqueId: string): number | undefined {
  const match = /(?:^|-)(\d{9,10})\.\d+$/.exec(uniqueId);
  return match === null ? undefined : readTime(Number(match[1]), "UTC");
}

/** The moment in a generated ObjectId (`$oid`); undefined for other ids. */
export function timeOfMongoId(id: Json | undefined): number | undefined {
  if (!isObject(id) || typeof id["$oid"] !== "string") return undefined;
  return readTime(Number.parseInt(id["$oid"].slice(0, 8), 16), "UTC");
}
