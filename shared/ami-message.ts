import type { AmiEvent } from "./ami-event.ts";
import { LIMITS } from "./wire-constants.ts";
import type { Frame } from "./ami-frame.ts";

/** Headers in the order received, names as Asterisk spelled them; a repeated header is an array. */
export type Headers = Record<string, string | string[]>;

export type AmiMessage = { kind: "event"; event: AmiEvent } | { kind: "response"; headers: Headers };

/** Says how many bytes of an oversized event were let go. */
export const TRUNCATED_HEADER = "RingpostTruncated";
/** Lines without a colon before the first header: kept, because a site that sends them should be seen. */
const UNREADABLE_HEADER = "RingpostUnreadable";

const EVENT_NAME_CHARACTERS_MAX = 200;
const BODY_BYTES_MAX = LIMITS.lineBytesMax - 64 * 1024;

/** Reads one frame. Never throws: whatever came is an event or a response. */
export function readMessage({ text, droppedBytes }: Frame): AmiMessage {
  const headers = readHeaders(text);
  if (droppedBytes > 0) headers[TRUNCATED_HEADER] = `${droppedBytes} bytes`;
  const name = firstOf(headers["Event"]);
  if (name === undefined) return { kind: "response", headers };
  return { kind: "event", event: bounded(headers, name) };
}

export function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function readHeaders(text: string): Headers {
  // No prototype: a header may be called __proto__ or constructor.
  const headers: Headers = Object.create(null) as Headers;
  let last = UNREADABLE_HEADER;
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) append(headers, last, line);
    else add(headers, (last = line.slice(0, colon).trim()), valueAfter(line, colon));
  }
  return headers;
}

function valueAfter(line: string, colon: number): string {
  return line.charCodeAt(colon + 1) === 0x20 ? line.slice(colon + 2) : line.slice(colon + 1);
}

function add(headers: Headers, name: string, value: string): void {
  const known = headers[name];
  if (known === undefined) headers[name] = value;
  else if (Array.isArray(known)) known.push(value);
  else headers[name] = [known, value];
}

/** A line without a colon continues the value above it: a value may hold a line break. */
function append(headers: Headers, name: string, line: string): void {
  const known = headers[name];
  if (Array.isArray(known)) known[known.length - 1] += `\r\n${line}`;
  else headers[name] = known === undefined ? line : `${known}\r\n${line}`;
}

/** Keeps an event within what the wire allows; all but absurd events pass untouched. */
function bounded(headers: Headers, name: string): AmiEvent {
  headers["Event"] = name === "" ? "RingpostUnnamed" : name.slice(0, EVENT_NAME_CHARACTERS_MAX);
  const names = Object.keys(headers);
  if (names.length > LIMITS.headersPerEventMax) {
    const extra = names.slice(LIMITS.headersPerEventMax - 1);
    for (const header of extra) delete headers[header];
    headers[TRUNCATED_HEADER] = `${extra.length} headers`;
  }
  return headers as AmiEvent;
}

/** The event as JSON text, as it is stored and sent. Values shrink when escapes blow it up beyond a wire line. */
export function bodyOf(event: AmiEvent): string {
  let body = JSON.stringify(event);
  for (let keep = VALUE_CHARACTERS_MAX; tooLong(body); keep >>= 1) body = JSON.stringify(shortened(event, keep));
  return body;
}

const VALUE_CHARACTERS_MAX = 512 * 1024;

function tooLong(body: string): boolean {
  return body.length * 3 > BODY_BYTES_MAX && Buffer.byteLength(body) > BODY_BYTES_MAX;
}

function shortened(event: AmiEvent, keep: number): AmiEvent {
  const cut = (text: string) => text.slice(0, keep);
  const entries = Object.entries(event).map(([name, value]) => [
    name.slice(0, keep),
    Array.isArray(value) ? value.slice(0, keep).map(cut) : cut(value),
  ]);
  return { ...(Object.fromEntries(entries) as AmiEvent), [TRUNCATED_HEADER]: `values to ${keep} characters` };
}
