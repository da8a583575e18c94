import type { AmiEvent } from "../../shared/ami-event.ts";
import type { Lane, Origin, SeqRange } from "../../shared/wire.ts";
import type { Directory } from "../assemble/index.ts";
import type { DeliverySettings } from "../deliver/rules.ts";

/** A site and what its enterprise says, as calls are written with it. */
export interface SiteContext {
  id: number;
  enterpriseId: string;
  token: string;
  host: string;
  /** Its clock minus ours, as far as is known. */
  clockSkewMs: number;
  directory: Directory;
  delivery: DeliverySettings;
}

/** An event off the wire. `ev`, `name` and `body` (ev as JSON text) hold only what PostgreSQL stores (storable.ts). */
export interface IncomingEvent {
  seq: number;
  at: number;
  mono: number;
  origin: Origin;
  ev: AmiEvent;
  body: string;
  /** First 16 bytes of SHA-256 over ev's JSON as sent. */
  digest: Buffer;
}

/** What the agent said about its outbox in the header of a batch. */
export interface StreamReport {
  highestSeq: number;
  oldestUnacked: number | null;
  waiting: number;
  /** What the server ever acked of the stream, as far as the agent tells. */
  acked: readonly SeqRange[];
}

/** A batch ready to be written. Events in ascending order of seq, none twice. */
export interface Batch {
  site: SiteContext;
  streamId: number;
  streamUuid: string;
  lane: Lane;
  /** Of a file: the seqs the batch accounts for. */
  span?: SeqRange | undefined;
  report: StreamReport;
  events: IncomingEvent[];
  /** To be set aside: same seq but other content within the batch, or what PostgreSQL would not take. */
  unusable: { event: IncomingEvent; reason: Rejection["reason"]; detail: string }[];
  bytes: number;
}

/** Where an event stands in its site's history. */
export interface Position {
  stream: number;
  seq: number;
}

/** Where a call known only from Asterisk's own files begins: no outbox has a place for it. */
export const NOWHERE: Position = { stream: 0, seq: 0 };

/**
 * Where a call begins in the site's history: its first event in an outbox. Rows of Asterisk's own files are no part of it:
 * whatever their stream, they are of any time. Undefined: no events.
 */
export function firstAmong(events: readonly (Position & { origin: Origin })[]): Position | undefined {
  const heard = events.filter(({ origin }) => origin !== "recovered").toSorted(comparePositions)[0];
  if (heard === undefined) return events.length === 0 ? undefined : NOWHERE;
  return { stream: heard.stream, seq: heard.seq };
}

export function comparePositions(a: Position, b: Position): number {
  return a.stream - b.stream || a.seq - b.seq;
}

/** An event that cannot be used as it should, kept in rejected_events. */
export interface Rejection {
  siteId: number;
  streamId: number;
  event: Pick<IncomingEvent, "seq" | "at" | "origin" | "body" | "digest">;
  reason: "undigestible" | "conflict";
  detail: string;
}
