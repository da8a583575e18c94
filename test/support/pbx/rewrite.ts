import type { Capture } from "./capture.ts";
import { headerOf } from "./capture.ts";

/**
 * Replaying a capture a second time must look like a new call, not like the same one again: every form of its
 * Uniqueids, channel serials, bridge ids and times is moved by what one play owns. A capture is cut into literals and
 * such tokens once; each play only joins them.
 */
export interface Shift {
  /** Added to every time. */
  ms: number;
  /** Whole seconds added to the epoch part of every id: floor(ms / 1000). */
  seconds: number;
  /** Added to the counter of every id (epoch.counter). */
  counter: number;
  /** Added to the serial of every channel name (PJSIP/150-0000001f). */
  serial: number;
  /** Mixed into bridge ids, which are UUIDs. */
  bridge: number;
  /** Takes the place of the external caller's number, to number the calls of a load. */
  phone?: { from: string; to: string };
}

export type Token =
  | string
  | { kind: "id"; epoch: number; counter: number }
  | { kind: "serial"; serial: number }
  | { kind: "seconds"; seconds: number }
  | { kind: "stamp"; micros: number }
  | { kind: "iso"; at: number; zone: string }
  | { kind: "bridge"; head: number };

/** Which counters and serials a capture uses, so that the next play can start after them. */
export interface Footprint {
  counterMin: number;
  counterMax: number;
  serialMin: number;
  serialMax: number;
}

const ID = /^(?:.*-)?(\d{9,10})\.(\d+)$/;
const ID_HEADER = /^\w*(?:Uniqueid|Linkedid): (\S+)\r$/gm;
const TOKENS = new RegExp(
  [
    String.raw`^(?<stampHeader>Timestamp: )(?<stampSeconds>\d{9,10})\.(?<stampMicros>\d{6})`,
    String.raw`^(?<timeHeader>(?:LoginTime|LastCall|LastPause|SentNTP): )(?<seconds>\d{9,10})`,
    String.raw`^(?<isoHeader>(?:EventTV|SessionTV): )(?<iso>\d{4}-\d\d-\d\dT[\d:.]+)(?<zone>[+-]\d{4})`,
    String.raw`\b(?<head>[0-9a-f]{8})(?<tail>-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b`,
    String.raw`(?<channel>\b[A-Za-z][A-Za-z0-9]*/[^\s,;&|"<>:=]+-)(?<serial>[0-9a-f]{8})(?![0-9a-f-])`,
    String.raw`\b(?<epoch>\d{9,10})\.(?<counter>\d+)\b`,
  ].join("|"),
  "gm",
);

/** The ids that a capture's own id headers name: only these are rewritten where they occur inside other values. */
export function idsOf(capture: Capture): Set<string> {
  const ids = new Set<string>();
  for (const text of texts(capture))
    for (const [, value] of text.matchAll(ID_HEADER)) {
      const [, epoch, counter] = ID.exec(value!) ?? [];
      if (epoch !== undefined) ids.add(`${epoch}.${counter}`);
    }
  return ids;
}

export function footprintOf(capture: Capture, ids: Set<string>): Footprint {
  const print: Footprint = { counterMin: Infinity, counterMax: 0, serialMin: Infinity, serialMax: 0 };
  for (const id of ids) {
    const counter = Number(id.slice(id.indexOf(".") + 1));
    print.counterMin = Math.min(print.counterMin, counter);
    print.counterMax = Math.max(print.counterMax, counter);
  }
  for (const text of texts(capture)) {
    const serial = /-([0-9a-f]{8})(?:;\d)?$/.exec(headerOf(text, "Channel") ?? "")?.[1];
    if (serial === undefined) continue;
    print.serialMin = Math.min(print.serialMin, Number.parseInt(serial, 16));
    print.serialMax = Math.max(print.serialMax, Number.parseInt(serial, 16));
  }
  return { ...print, counterMin: finite(print.counterMin), serialMin: finite(print.serialMin) };
}

/** Cuts an event's text into literals and tokens. `ids` as from idsOf. */
export function compile(text: string, ids: Set<string>): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  const put = (at: number, token: Token, width: number) => {
    if (at > from) tokens.push(text.slice(from, at));
    tokens.push(token);
    from = at + width;
  };
  for (const match of text.matchAll(TOKENS)) {
    const g = match.groups!;
    if (g["stampHeader"] !== undefined) {
      const micros = Number(g["stampSeconds"]) * 1_000_000 + Number(g["stampMicros"]);
      put(match.index + g["stampHeader"].length, { kind: "stamp", micros }, match[0].length - g["stampHeader"].length);
    } else if (g["seconds"] !== undefined) {
      put(
        match.index + g["timeHeader"]!.length,
        { kind: "seconds", seconds: Number(g["seconds"]) },
        g["seconds"].length,
      );
    } else if (g["iso"] !== undefined) {
      const at = Date.parse(`${g["iso"]}${g["zone"]}`);
      put(match.index + g["isoHeader"]!.length, { kind: "iso", at, zone: g["zone"]! }, g["iso"].length + 5);
    } else if (g["head"] !== undefined) {
      put(match.index, { kind: "bridge", head: Number.parseInt(g["head"], 16) }, 8);
    } else if (g["serial"] !== undefined) {
      put(match.index + g["channel"]!.length, { kind: "serial", serial: Number.parseInt(g["serial"], 16) }, 8);
    } else if (ids.has(match[0])) {
      put(match.index, { kind: "id", epoch: Number(g["epoch"]), counter: Number(g["counter"]) }, match[0].length);
    }
  }
  if (from < text.length) tokens.push(text.slice(from));
  return tokens;
}

export function render(tokens: readonly Token[], shift: Shift): string {
  let text = "";
  for (const token of tokens) text += typeof token === "string" ? token : renderToken(token, shift);
  return shift.phone === undefined ? text : text.replaceAll(shift.phone.from, shift.phone.to);
}

/** What an id of the capture is called in a play. Prefixes (systemname) stay. */
export function shiftId(id: string, shift: Shift): string {
  return id.replace(/(\d{9,10})\.(\d+)$/, (_, epoch: string, counter: string) =>
    renderToken({ kind: "id", epoch: Number(epoch), counter: Number(counter) }, shift),
  );
}

function renderToken(token: Exclude<Token, string>, shift: Shift): string {
  switch (token.kind) {
    case "id":
      return `${token.epoch + shift.seconds}.${token.counter + shift.counter}`;
    case "serial":
      return hex8(token.serial + shift.serial);
    case "seconds":
      return String(token.seconds + shift.seconds);
    case "stamp":
      return ((token.micros + shift.ms * 1000) / 1_000_000).toFixed(6);
    case "iso":
      return new Date(token.at + shift.ms).toISOString().replace("Z", "+0000");
    case "bridge":
      return hex8(token.head + Math.imul(shift.bridge, 0x9e3779b1));
  }
}

function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

function* texts(capture: Capture): Generator<string> {
  for (const connection of capture.connections) {
    yield* connection.existing;
    for (const event of connection.events) yield event.text;
  }
}
