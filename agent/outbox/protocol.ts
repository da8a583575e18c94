import type { AmiEvent } from "../../shared/ami-event.ts";
import type { SeqRange, WindowReport } from "../../shared/wire.ts";
import type { CapturedRow } from "../capture.ts";
import type { CheckedRows, OutboxLook } from "./look.ts";
import type { OlderStream } from "./older.ts";

/** Seqs in this file are the outbox's own; on the wire a seq is `seq - base` of its stream. */
export interface OutboxSettings {
  path: string;
  keepAckedMsMax: number;
  keepAckedBytesMax: number;
  bytesMax: number;
  ageMsMax: number;
}

export interface OutboxState {
  /** The stream new events go to, and the seq below its first. */
  stream: string;
  base: number;
  /** Highest seq given. */
  highest: number;
  /** Highest seq the server has acked; 0 when none. */
  highestAcked: number;
  oldestUnacked: number | null;
  oldestUnackedAt: number | null;
  /** Like oldestUnacked, of the stream that new events go to. */
  oldestOfStream: number | null;
  waiting: number;
  usedBytes: number;
  setAside: number;
  /** Events held in memory because the disk does not take them. */
  unwritten: number;
  /** Events lost for want of room since the agent started; each is in a gap marker. */
  lost: number;
  problem: string | null;
  /** What the server asked for by time. */
  windows: WindowReport[];
  /** Of the stream that new events go to, as on the wire: what the server has ever acked. */
  acked: SeqRange[];
}

export interface Opened {
  state: OutboxState;
  /** Highest seq when the file was opened: above the server's word, the file is what it was. */
  highestAtOpen: number;
  /** When the newest event in the file was captured, and how old it was then. */
  newest: { at: number; mono: number; lag: number } | null;
  remembered: Record<string, string>;
}

export interface ReadRequest {
  /** Only seqs below this: from there on the live lane has them. */
  before: number;
  /** Only these, when a batch was refused and is sent again in parts. */
  within?: SeqRange;
  eventsMax: number;
  bytesMax: number;
  windowMs: number;
}

/** A batch as it goes on the wire, without its header line. */
export interface Batch {
  stream: string;
  base: number;
  /** Highest seq of this stream and lowest unacked one, for the header. */
  highest: number;
  oldestUnacked: number;
  /** As on the wire: what the server has ever acked of it. */
  acked: SeqRange[];
  ranges: SeqRange[];
  count: number;
  lines: Uint8Array<ArrayBuffer>;
}

/** Asked of the worker. `append`, `read`, `older`, `look`, `check` and `fork` are answered in the order they were asked, each by its own kind. */
export type ToWorker =
  | { do: "append"; rows: CapturedRow[] }
  | { do: "read"; request: ReadRequest }
  | { do: "ack"; ranges: SeqRange[] }
  | { do: "resend"; stream: string; ranges: SeqRange[] }
  | { do: "resend_window"; id: string; from: number; to: number }
  | { do: "resend_above"; seq: number }
  | { do: "set_aside"; seq: number; reason: string }
  | { do: "fork"; base: number; why: string }
  | { do: "remember"; key: string; value: string }
  | { do: "older" }
  | { do: "look" }
  | { do: "check"; from: number }
  | { do: "close" };

export type FromWorker =
  | { is: "opened"; opened: Opened }
  | { is: "failed"; code: string; message: string }
  | { is: "stored"; firstSeq: number; count: number; state: OutboxState }
  | { is: "batch"; batch: Batch | null; state: OutboxState }
  | { is: "forked"; state: OutboxState }
  | { is: "state"; state: OutboxState }
  | { is: "older"; streams: OlderStream[] }
  | { is: "look"; look: OutboxLook | null }
  | { is: "checked"; rows: CheckedRows | null }
  | { is: "gap"; marker: AmiEvent }
  | { is: "note"; level: "info" | "warn" | "error"; text: string; fields: Record<string, unknown> }
  | { is: "closed" };

/** What the outbox remembers between runs. */
export const REMEMBERED = [
  "heard",
  "silence",
  "asterisk_start",
  "blind",
  "calls_today",
  "gone",
  "again",
  "repair",
] as const;
