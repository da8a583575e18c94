import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Layout } from "./columns.ts";
import { readStamp } from "./stamp.ts";
import { momentOf, type Hints, type Zone } from "./zone.ts";

/** A row of a file as an event. Times in epoch ms. */
export interface RecoveredEvent {
  /** When it happened; of a CDR when the call ended. What a file is sorted by. */
  at: number;
  /** When it began: of a CEL row the same. */
  from: number;
  ev: AmiEvent;
}

export interface RowReading {
  layout: Layout;
  zone: Zone;
  /** Some moment of the same year as the rows, epoch ms. */
  about: number;
  /** `at` of the row before. */
  previous?: number | undefined;
}

const TIMES: ReadonlySet<string> = new Set(["Timestamp", "StartTime", "AnswerTime", "EndTime"]);
/** No Asterisk is older; a clock that was never set says 1970. */
const EPOCH_SECONDS_MIN = 86_400;

/** The event a row tells; null when it is no row of this layout. */
export function readRow(values: readonly string[], reading: RowReading): RecoveredEvent | null {
  const { columns, event } = reading.layout;
  if (values.length !== columns.length) return null;
  const headers = new Map<string, string>();
  const formats = new Map<string, string | null>();
  columns.forEach((column, at) => {
    if (column === null) return;
    headers.set(column.header, values[at] ?? "");
    if (TIMES.has(column.header)) formats.set(column.header, column.format);
  });
  const notBefore = birthOf(headers.get("UniqueID"));
  const time = (header: string, hints: Partial<Hints> = {}) =>
    timeOf(headers.get(header) ?? "", formats.get(header) ?? null, reading, { notBefore, ...hints });
  return event === "CEL" ? celEvent(headers, time) : cdrEvent(headers, formats, time);
}

interface Time {
  ms: number;
  text: string;
}
type ReadTime = (header: string, hints?: Partial<Hints>) => Time | null;

function celEvent(headers: Map<string, string>, time: ReadTime): RecoveredEvent | null {
  const stamped = time("Timestamp");
  const name = headers.get("EventName") ?? "";
  if (stamped === null || name === "" || headers.get("UniqueID") === "") return null;
  headers.set("Timestamp", stamped.text);
  return { at: stamped.ms, from: stamped.ms, ev: { Event: "CEL", ...Object.fromEntries(headers) } };
}

function cdrEvent(
  headers: Map<string, string>,
  formats: ReadonlyMap<string, unknown>,
  time: ReadTime,
): RecoveredEvent | null {
  const start = time("StartTime");
  if (start === null) return null;
  const seconds = Number(headers.get("Duration") ?? "");
  const lastedMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
  const computed = { ms: start.ms + lastedMs, text: textOf(start.ms + lastedMs) };
  const end = time("EndTime", { notBefore: start.ms, previous: computed.ms }) ?? computed;
  const answer = time("AnswerTime", { notBefore: start.ms, previous: undefined });
  const told = { StartTime: start.text, AnswerTime: answer?.text ?? "", EndTime: end.text };
  for (const [header, text] of Object.entries(told)) if (formats.has(header)) headers.set(header, text);
  headers.set("Timestamp", end.text);
  return { at: end.ms, from: start.ms, ev: { Event: "Cdr", ...Object.fromEntries(headers) } };
}

function timeOf(
  text: string,
  format: string | null,
  { zone, about, previous }: RowReading,
  hints: Partial<Hints>,
): Time | null {
  const stamp = text === "" ? null : readStamp(text, format);
  if (stamp === null) return null;
  if ("seconds" in stamp) {
    if (stamp.seconds < EPOCH_SECONDS_MIN) return null;
    const ms = stamp.seconds * 1000 + Math.floor(stamp.micros / 1000);
    return { ms, text: `${stamp.seconds}.${String(stamp.micros).padStart(6, "0")}` };
  }
  const moment = momentOf(stamp, zone, { about, previous, ...hints });
  if (moment === null) return null;
  const seconds = Math.floor(moment / 1000);
  return { ms: moment + Math.floor(stamp.micros / 1000), text: `${seconds}.${String(stamp.micros).padStart(6, "0")}` };
}

function textOf(ms: number): string {
  return (ms / 1000).toFixed(6);
}

/** `1700000000.12` or `pbx1-1700000000.12`: the second the channel was made, epoch ms. */
function birthOf(uniqueId: string | undefined): number | undefined {
  const seconds = /(?:^|-)(\d{9,11})\.\d+$/.exec(uniqueId ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
