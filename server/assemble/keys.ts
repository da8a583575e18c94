import { type AmiEvent, header, isMarker, MARKERS } from "../../shared/ami-event.ts";
import { linklessKeys } from "./recovered/linkless.ts";
import { cdrKeys } from "./recovered/cdr-row.ts";
import { conferenceOf, isRecoveredRow, NO_CHANNEL } from "./recovered/row.ts";
import type { CallEvent } from "./types.ts";

/** Longest Uniqueid Asterisk itself can make (AST_MAX_UNIQUEID); anything longer names no channel. */
const CHANNEL_ID_LENGTH_MAX = 150;

const SITE_EVENTS: ReadonlySet<string> = new Set([
  MARKERS.captureStarted,
  MARKERS.captureLost,
  MARKERS.snapshot,
  MARKERS.asteriskRestarted,
  "Shutdown",
  "ConfbridgeJoin",
  "ConfbridgeLeave",
]);

/**
 * Every channel id the event ties together, Uniqueids and Linkedids alike, each once: whatever role prefix a header
 * has (Dest, Transferer, Parkee, LocalOne, Target ...). Empty for site-level events and markers.
 */
export function linkKeys(ev: AmiEvent): string[] {
  if (isMarker(ev)) return [];
  const keys: string[] = [];
  for (const name in ev) {
    if (!namesChannelId(name)) continue;
    const value = ev[name];
    if (typeof value === "string" && isChannelId(value) && !keys.includes(value)) keys.push(value);
  }
  if (ev.Event === "CEL") addCelKeys(ev, keys);
  else if (ev.Event === "Cdr" && isRecoveredRow(ev)) keys.push(...cdrKeys(ev));
  return keys;
}

/** CEL names the other channels of a transfer or pickup inside its Extra, which is JSON. */
function addCelKeys(ev: AmiEvent, keys: string[]): void {
  if (isRecoveredRow(ev)) keys.push(...linklessKeys(ev));
  for (const [, id] of String(ev["Extra"] ?? "").matchAll(/"\w*uniqueid"\s*:\s*"([^"]+)"/g)) {
    if (isChannelId(id) && id !== NO_CHANNEL && !keys.includes(id)) keys.push(id);
  }
}

/** (stream, seq): the order in which events are folded. */
export function compareEvents(a: CallEvent, b: CallEvent): number {
  return a.stream - b.stream || a.seq - b.seq;
}

/**
 * True for events that must also be given to every call of the site that still runs, besides the calls their
 * keys name: markers that close calls, joins to a conference, a failed Originate (it names no channel).
 */
export function isSiteMarker(ev: AmiEvent): boolean {
  if (SITE_EVENTS.has(ev.Event)) return true;
  if (ev.Event === "CEL") return isConferenceRow(ev);
  return ev.Event === "OriginateResponse" && linkKeys(ev).length === 0;
}

function isConferenceRow(ev: AmiEvent): boolean {
  const row = { name: header(ev, "EventName") ?? "", application: header(ev, "Application") ?? null };
  return conferenceOf({ ...row, data: header(ev, "AppData") ?? "" }) !== null && isRecoveredRow(ev);
}

/** False for empty values and Asterisk's words for "none". */
export function isChannelId(value: string | undefined): value is string {
  return value !== undefined && value !== "" && value.length <= CHANNEL_ID_LENGTH_MAX && !value.startsWith("<");
}

/** Uniqueid and Linkedid of channels; BridgeUniqueid names a bridge, which conferences share between calls. */
function namesChannelId(name: string): boolean {
  const at = name.length - 8;
  if (at < 0) return false;
  const last = name.charCodeAt(name.length - 1) | 0x20;
  const first = name.charCodeAt(at) | 0x20;
  if (last !== 0x64 || (first !== 0x75 && first !== 0x6c)) return false;
  const tail = name.slice(at).toLowerCase();
  if (tail === "linkedid") return true;
  return tail === "uniqueid" && !name.slice(0, at).endsWith("Bridge");
}

/** The second a channel was made in by the PBX's clock, as its id says it; epoch ms. */
export function secondOf(id: string): number | null {
  const epoch = /(\d{9,11})\.\d+$/.exec(id);
  return epoch === null ? null : Number(epoch[1]) * 1000;
}

/** Age first, text when ids have no age in them. */
export function compareIds(a: string, b: string): number {
  const [aEpoch, aCount] = ageOf(a);
  const [bEpoch, bCount] = ageOf(b);
  return aEpoch - bEpoch || aCount - bCount || (a < b ? -1 : a > b ? 1 : 0);
}

function ageOf(id: string): [number, number] {
  const parts = /(\d+)\.(\d+)$/.exec(id);
  return parts === null ? [Number.MAX_SAFE_INTEGER, 0] : [Number(parts[1]), Number(parts[2])];
}
