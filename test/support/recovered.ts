import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { AmiEvent } from "../../shared/ami-event.ts";
import type { CallEvent } from "../../server/assemble/index.ts";
import { SCENARIOS } from "./captures.ts";

/** Columns of the recordings' files, in their order, as the headers the agent gives them. */
const CEL_HEADERS = [
  "EventName",
  "Timestamp",
  "CallerIDname",
  "CallerIDnum",
  "CallerIDani",
  "CallerIDrdnis",
  "CallerIDdnid",
  "Exten",
  "Context",
  "Channel",
  "Application",
  "AppData",
  "UniqueID",
  "LinkedID",
  "Peer",
  "Extra",
];
const CDR_HEADERS = [
  "CallerID",
  "Source",
  "Destination",
  "DestinationContext",
  "Channel",
  "DestinationChannel",
  "LastApplication",
  "LastData",
  "StartTime",
  "AnswerTime",
  "EndTime",
  "Duration",
  "BillableSeconds",
  "Disposition",
  "AMAFlags",
  "UniqueID",
  "LinkedID",
  "Sequence",
  "PeerAccount",
  "UserField",
];

/** A stream of its own, later than any outbox's. */
const CEL_STREAM = 9001;
const CDR_STREAM = 9002;

/** The recording's CEL rows as the agent would send them after reading the file. */
export function celRowsOf(name: string): CallEvent[] {
  return rowsOf(name, "cel.csv", CEL_STREAM, (values) => ({ Event: "CEL", ...named(CEL_HEADERS, values) }));
}

/** The recording's CDR rows as the agent would send them. */
export function cdrRowsOf(name: string): CallEvent[] {
  return rowsOf(name, "cdr.csv", CDR_STREAM, (values) => {
    const ev: AmiEvent = { Event: "Cdr", ...named(CDR_HEADERS, values) };
    if (Number(ev["AnswerTime"]) === 0) ev["AnswerTime"] = "";
    return { ...ev, Timestamp: String(ev["EndTime"]) };
  });
}

function named(headers: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(headers.map((header, index) => [header, values[index] ?? ""]));
}

function rowsOf(name: string, file: string, stream: number, toEvent: (values: string[]) => AmiEvent): CallEvent[] {
  const events: CallEvent[] = [];
  let offset = 0;
  for (const line of textOf(join(SCENARIOS, name, file)).split("\n")) {
    const seq = offset + 1;
    offset += Buffer.byteLength(line) + 1;
    if (line === "" || !line.startsWith('"')) continue;
    events.push({ stream, seq, at: READ_AT, origin: "recovered", ev: toEvent(fields(line)) });
  }
  return events;
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : gunzipSync(readFileSync(`${path}.gz`)).toString("utf8");
}

/** The files are read long after. */
const READ_AT = 1_795_500_000_000;

/** The fields of a CSV line in which quotes are doubled. */
function fields(line: string): string[] {
  return [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map(([, text = ""]) => text.replaceAll('""', '"'));
}

/** A file need not have these columns: by default Asterisk's has no Linkedid, and perhaps no Uniqueid. */
export function without(rows: readonly CallEvent[], ...columns: string[]): CallEvent[] {
  return rows.map((row) => ({
    ...row,
    ev: { Event: "Cdr", ...Object.fromEntries(Object.entries(row.ev).filter(([name]) => !columns.includes(name))) },
  }));
}

/** As Asterisk's cdr_csv writes them, and most databases hold them: without fractions of a second. */
export function coarse(rows: readonly CallEvent[]): CallEvent[] {
  return rows.map((row) => {
    const times = ["StartTime", "AnswerTime", "EndTime", "Timestamp"].filter((name) => Number(row.ev[name]) > 0);
    const whole = times.map((name) => [name, String(Math.floor(Number(row.ev[name])))]);
    return { ...row, ev: { ...row.ev, ...Object.fromEntries(whole) } };
  });
}

/** As the tables of Asterisk's own samples hold them: when it began, and how many seconds it took. */
export function counted(rows: readonly CallEvent[]): CallEvent[] {
  return without(coarse(rows), "AnswerTime", "EndTime").map((row) => {
    const end = String(Number(row.ev["StartTime"]) + Number(row.ev["Duration"]));
    return { ...row, ev: { ...row.ev, Timestamp: end } };
  });
}
