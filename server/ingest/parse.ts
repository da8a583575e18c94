import { hash } from "node:crypto";
import { setImmediate as othersFirst } from "node:timers/promises";
import { Compile } from "typebox/compile";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { IngestHeader, LIMITS, WIRE_VERSION, WireEvent } from "../../shared/wire.ts";
import { malformed, Refusal, tooLarge } from "./refusal.ts";
import { mayBeRefused, storableValue } from "./storable.ts";
import type { IncomingEvent } from "./types.ts";

const headerSchema = Compile(IngestHeader);
const eventSchema = Compile(WireEvent);

export interface ParsedBody {
  header: IngestHeader;
  /** In ascending order of seq; the same seq may stand there more than once. */
  events: IncomingEvent[];
}

/** Lines read at a stretch, about a millisecond: a body of a thousand keeps nobody waiting. */
const LINES_AT_A_STRETCH = 128;

/**
 * Reads an NDJSON body: the header line, then an event a line.
 * @throws Refusal 413, 422 (naming line and, where known, seq) or 426.
 */
export async function parseBody(body: string): Promise<ParsedBody> {
  const lines = splitLines(body);
  const first = lines.next();
  if (first.done === true) throw malformed("the body is empty: a header line is missing", { line: 1 });
  const header = parseHeader(first.value);
  const events: IncomingEvent[] = [];
  let ascending = true;
  let line = 1;
  for (const text of lines) {
    line++;
    if (line % LINES_AT_A_STRETCH === 0) await othersFirst();
    if (text === "") continue;
    const event = parseEvent(text, line);
    ascending &&= event.seq > (events.at(-1)?.seq ?? 0);
    if (events.push(event) > LIMITS.eventsPerBatchMax) {
      throw tooLarge(`more than ${LIMITS.eventsPerBatchMax} events in one batch: send fewer`, { line });
    }
  }
  if (!ascending) events.sort((a, b) => a.seq - b.seq);
  return { header, events };
}

function* splitLines(body: string): Generator<string, undefined> {
  for (let start = 0; start < body.length;) {
    const newline = body.indexOf("\n", start);
    const end = newline === -1 ? body.length : newline;
    yield body.slice(start, end);
    start = end + 1;
  }
}

function parseHeader(text: string): IngestHeader {
  const value = parseJson(text, 1);
  const version = typeof value === "object" && value !== null && "v" in value ? value.v : undefined;
  if (version !== undefined && version !== WIRE_VERSION) throw unknownVersion(version);
  if (!headerSchema.Check(value)) throw malformed(`header line: ${firstError(headerSchema, value)}`, { line: 1 });
  return storableValue(value);
}

function unknownVersion(version: unknown): Refusal {
  return new Refusal(426, {
    error: "unknown_version",
    message: `this server speaks version ${WIRE_VERSION} of the protocol, the agent ${JSON.stringify(version)}: install the agent that belongs to this server`,
    line: 1,
  });
}

function parseEvent(text: string, line: number): IncomingEvent {
  if (text.length > LIMITS.lineBytesMax / 4 && Buffer.byteLength(text) > LIMITS.lineBytesMax) {
    throw tooLarge(`an event of more than ${LIMITS.lineBytesMax} bytes`, { line, ...seqOf(text) });
  }
  const value = parseJson(text, line);
  if (!eventSchema.Check(value)) {
    throw malformed(firstError(eventSchema, value), { line, ...seqIn(value) });
  }
  const headers = text.length < LIMITS.headersPerEventMax * 5 ? 0 : Object.keys(value.ev).length;
  if (headers > LIMITS.headersPerEventMax) {
    throw malformed(`${headers} headers in one event, at most ${LIMITS.headersPerEventMax}`, { line, seq: value.seq });
  }
  return toIncoming(value, text);
}

function toIncoming(event: WireEvent, text: string): IncomingEvent {
  const { seq, at, mono, origin, ev } = event;
  const sent = (hasOnlyKnownMembers(event) ? bodyIn(text) : undefined) ?? JSON.stringify(ev);
  const digest = hash("sha256", sent, "buffer").subarray(0, 16);
  const clock = Math.min(mono, Number.MAX_SAFE_INTEGER);
  if (!mayBeRefused(sent)) return { seq, at, mono: clock, origin, ev: ev as AmiEvent, body: sent, digest };
  const kept = storableValue(ev as AmiEvent);
  return { seq, at, mono: clock, origin, ev: kept, body: JSON.stringify(kept), digest };
}

const BEFORE_EV = /^\{"seq":\d+,"at":\d+,"mono":\d+,"origin":"[a-z]+","ev":/;

/** The text of `ev` cut out of a line in the order every agent writes it; undefined for any other. */
function bodyIn(text: string): string | undefined {
  const before = BEFORE_EV.exec(text);
  if (before === null || !text.endsWith("}}")) return undefined;
  return text.slice(before[0].length, -1);
}

/** Then nothing can stand behind `ev` in the line. */
function hasOnlyKnownMembers(event: WireEvent): boolean {
  return Object.keys(event).length === 5;
}

function parseJson(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`not JSON: ${error instanceof Error ? error.message : String(error)}`, { line, ...seqOf(text) });
  }
}

function seqOf(text: string): { seq?: number } {
  const seq = Number(/^\{"seq":(\d{1,16})\b/.exec(text)?.[1]);
  return Number.isSafeInteger(seq) && seq > 0 ? { seq } : {};
}

function seqIn(value: unknown): { seq?: number } {
  const seq = typeof value === "object" && value !== null && "seq" in value ? value.seq : undefined;
  return typeof seq === "number" && Number.isSafeInteger(seq) && seq > 0 ? { seq } : {};
}

interface Schema {
  Errors(value: unknown): { instancePath: string; message: string }[];
}

function firstError(schema: Schema, value: unknown): string {
  const error = schema.Errors(value)[0];
  return error === undefined ? "does not fit the protocol" : `${error.instancePath || "the line"}: ${error.message}`;
}
