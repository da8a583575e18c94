import type { Column, Explanation, Rung } from "./explain.ts";
import type { AssembledCall, Directory, Participant } from "./types.ts";

const TIME_WIDTH = 13;
const COLUMN_WIDTH_MIN = 12;
/** Columns beyond these would not fit a terminal; their rungs are told in words. */
const COLUMNS_MAX = 8;

/** The explanation as lines for a terminal: the call, its ladder, its rows. Times are in the enterprise's time zone. */
export function renderLadder({ columns, rungs, call }: Explanation, directory: Directory): string[] {
  const clock = clockOf(directory.timezone);
  const shown = columns.slice(0, COLUMNS_MAX);
  const width = Math.max(COLUMN_WIDTH_MIN, ...shown.map((column) => column.label.length + 2));
  const head = `${"time".padEnd(TIME_WIDTH)}${shown.map((column) => column.label.padEnd(width)).join("")}`;
  return [
    summary(call),
    "",
    head.trimEnd(),
    ...rungs.map((rung) => line(rung, shown, columns, width, clock)),
    "",
    ...rowLines(call),
  ];
}

function clockOf(timezone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  });
  return (at) => format.format(at).replace(",", ".");
}

function summary(call: AssembledCall): string {
  const status = call.callStatus ?? "still running";
  const parts = [`${call.callType} call ${call.linkedid}`, status];
  if (call.phoneNumber !== null) parts.push(call.phoneNumber);
  if (call.trunk !== null) parts.push(`over ${call.trunk}`);
  if (call.mainExtension !== null) parts.push(`main extension ${call.mainExtension}`);
  if (call.durationSeconds !== null)
    parts.push(`${call.durationSeconds} s, talk ${String(call.extra["talk_seconds"])} s`);
  return parts.join(", ");
}

function line(rung: Rung, shown: Column[], all: Column[], width: number, clock: (at: number) => string): string {
  const [from, to] = [placeOf(shown, rung.from), placeOf(shown, rung.to)];
  const hidden = (rung.from !== null && from < 0) || (rung.to !== null && to < 0);
  const words = hidden ? `${nameOf(all, rung.from)} ${rung.what} ${nameOf(all, rung.to)}`.trim() : rung.what;
  const drawn = draw(from, to, shown.length, width);
  const becomes = rung.becomes === null ? "" : `  -> ${rung.becomes}`;
  const source = rung.recovered === true ? " [recovered]" : "";
  return `${clock(rung.at).padEnd(TIME_WIDTH)}${drawn}${words}${source}${becomes}`;
}

function placeOf(columns: Column[], id: string | null): number {
  return columns.findIndex((column) => column.id === id);
}

function nameOf(columns: Column[], id: string | null): string {
  return columns.find((column) => column.id === id)?.label ?? "";
}

/** Life lines, with an arrow from one column to another, or a star on one. */
function draw(from: number, to: number, count: number, width: number): string {
  const cells: string[] = Array.from({ length: count * width }, (_, index) => (index % width === 0 ? "|" : " "));
  if (from >= 0 && to >= 0 && from !== to) {
    const [left, right] = [Math.min(from, to) * width, Math.max(from, to) * width];
    for (let at = left + 1; at < right; at++) cells[at] = "-";
    if (from < to) cells[right - 1] = ">";
    else cells[left + 1] = "<";
  } else if (from >= 0) cells[from * width] = "*";
  return cells.join("");
}

function rowLines(call: AssembledCall): string[] {
  const extra = Object.entries(call.extra).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`);
  return [...call.participants.map(participantLine), ...(extra.length > 0 ? ["extra_data", ...extra] : [])];
}

function participantLine(one: Participant): string {
  const rang = one.ringDurationSeconds === null ? "" : `, rang ${one.ringDurationSeconds} s`;
  const reason = one.disconnectReason === null ? "" : `, ${one.disconnectReason}`;
  return `participant ${one.ringOrder}: ${one.extension} ${one.status}${rang}${reason}`;
}
