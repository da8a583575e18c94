import { type AmiEvent, header } from "../../../shared/ami-event.ts";
import type { CallEvent } from "../types.ts";

/** One row of Asterisk's channel event log, as it stands in a file the agent read. */
export interface CelRow {
  event: CallEvent;
  /** CHAN_START, ANSWER, BRIDGE_ENTER ... */
  name: string;
  /** Uniqueid of the channel it is about. */
  id: string;
  channel: string;
  linkedid: string | null;
  application: string | null;
  data: string;
  extra: Readonly<Record<string, unknown>>;
}

/** True for rows the agent read from Asterisk's own files. The same events off a live AMI session carry their own times. */
export function isRecoveredRow(ev: AmiEvent): boolean {
  if (ev.Event === "CEL") return ev["EventTime"] === undefined;
  return ev.Event === "Cdr" && ev["Timestamp"] !== undefined && /^(\d+(\.\d+)?)?$/.test(String(ev["StartTime"] ?? ""));
}

/** The event as a CEL row; undefined when it names no channel. */
export function celRowOf(event: CallEvent): CelRow | undefined {
  const { ev } = event;
  const [name, id, channel] = [header(ev, "EventName"), header(ev, "UniqueID"), header(ev, "Channel")];
  if (name === undefined || id === undefined || channel === undefined) return undefined;
  return {
    event,
    name,
    id,
    channel,
    linkedid: header(ev, "LinkedID") ?? null,
    application: header(ev, "Application") ?? null,
    data: header(ev, "AppData") ?? "",
    extra: extraOf(ev),
  };
}

function extraOf(ev: AmiEvent): CelRow["extra"] {
  const text = header(ev, "Extra");
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Asterisk's word in a row for a channel there is not. */
export const NO_CHANNEL = "N/A";

/** A value of the row's Extra as text; null when absent, empty or no plain value. */
export function extraText(row: CelRow, name: string): string | null {
  const value = row.extra[name];
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" && value !== NO_CHANNEL ? value : null;
}

/** What a channel runs that a server had made: Originate, a call file. */
export const ORIGINATED = "AppDial2";

/** The conference a row is about, by the application its channel runs. */
export function conferenceOf(row: Pick<CelRow, "name" | "application" | "data">): string | null {
  const isMove = row.name === "BRIDGE_ENTER" || row.name === "BRIDGE_EXIT";
  return isMove && row.application === "ConfBridge" ? (row.data.split(",")[0] ?? "") || null : null;
}

/** Channels named in Peer: who else is in the bridge. */
export function peersOf(row: CelRow): string[] {
  return (header(row.event.ev, "Peer") ?? "").split(",").filter((name) => name !== "");
}

/** The AMI event a row stands for, at the row's time and place; steps made of it show the row itself. */
export function madeOf(event: CallEvent, ev: AmiEvent): CallEvent {
  return { ...event, ev: { ...stampOf(event.ev), ...ev }, row: event.row ?? event.ev };
}

/** When, epoch seconds with whatever fraction the file has: it tells what came first. 0: it does not say. */
export function secondsOf({ ev }: CallEvent): number {
  return Number(header(ev, "Timestamp") ?? "") || 0;
}

function stampOf(ev: AmiEvent): { Timestamp?: string } {
  const stamp = header(ev, "Timestamp");
  return stamp === undefined ? {} : { Timestamp: stamp };
}
