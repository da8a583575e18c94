import type { Capture, CapturedEvent, PbxVersion } from "./capture.ts";
import { compile, footprintOf, idsOf, type Footprint, type Token } from "./rewrite.ts";

/** A capture cut into tokens, ready to be played any number of times. */
export interface Prepared {
  name: string;
  version: PbxVersion;
  startedAt: number;
  endedAt: number;
  footprint: Footprint;
  connections: PreparedConnection[];
}

export interface PreparedConnection {
  openedAt: number;
  closedAt: number;
  bootedAtSeconds: number | null;
  existing: Token[][];
  events: PreparedEvent[];
}

export interface PreparedEvent {
  name: string;
  at: number;
  tokens: Token[];
}

/** `timestampevents` in manager.conf: true adds what the capture lacks, false takes it away, null leaves it as it is. */
export type Timestamps = boolean | null;

const known = new WeakMap<Capture, Map<Timestamps, Prepared>>();

/** Cuts a capture, once for each way of stamping it: a long one takes a second. */
export function prepare(capture: Capture, timestamps: Timestamps): Prepared {
  const ways = known.get(capture) ?? new Map<Timestamps, Prepared>();
  known.set(capture, ways);
  const prepared = ways.get(timestamps) ?? cut(capture, timestamps);
  ways.set(timestamps, prepared);
  return prepared;
}

function cut(capture: Capture, timestamps: Timestamps): Prepared {
  const ids = idsOf(capture);
  return {
    name: capture.name,
    version: capture.version,
    startedAt: capture.startedAt,
    endedAt: capture.endedAt,
    footprint: footprintOf(capture, ids),
    connections: capture.connections.map((connection) => ({
      openedAt: connection.openedAt,
      closedAt: connection.closedAt,
      bootedAtSeconds: connection.bootedAtSeconds,
      existing: connection.existing.map((text) => compile(text, ids)),
      events: connection.events.map((event) => ({
        name: event.name,
        at: event.at,
        tokens: compile(withTimestamp(event, timestamps), ids),
      })),
    })),
  };
}

/** Asterisk writes Timestamp right after Privilege. */
function withTimestamp(event: CapturedEvent, timestamps: Timestamps): string {
  const has = /\r\nTimestamp: [\d.]+(?=\r\n)/;
  if (timestamps === null || has.test(event.text) === timestamps) return event.text;
  return timestamps
    ? insertAfterPrivilege(event.text, `Timestamp: ${(event.at / 1000).toFixed(6)}`)
    : event.text.replace(has, "");
}

/** Adds a header where Asterisk adds its own: below the Privilege line. */
export function insertAfterPrivilege(text: string, line: string): string {
  const at = text.indexOf("\r\n", text.indexOf("\r\nPrivilege: ") + 2);
  return `${text.slice(0, at)}\r\n${line}${text.slice(at)}`;
}
