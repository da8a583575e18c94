import type { AmiEvent, RepairSource } from "../../shared/ami-event.ts";

/** A row on its way to the server. `at`: when it happened, epoch ms. */
export interface SentRow {
  seq: number;
  at: number;
  ev: AmiEvent;
}

/** Rows read in one go, and the part of their file they account for. */
export interface Portion {
  stream: string;
  span: [from: number, to: number];
  rows: SentRow[];
}

/** A time that is to be read, epoch ms by the PBX's clock, margins included. */
export interface Span {
  from: number;
  to: number;
}

/** What a pass over a source found out beside its rows. */
export interface PassFacts {
  /** Rows that happened before this are not there any more, epoch ms; null: none are known to be gone. */
  goneBefore: number | null;
  /** Lines that were no rows. */
  damaged: number;
  /** Something moved under the reader: another pass is needed. */
  again: boolean;
}

/** At most so many rows are read at once: Asterisk waits one second for its database, and events come first. */
export const RECOVER_ROWS_MAX = 300;

/** Something Asterisk writes calls into. */
export interface Source {
  kind: RepairSource;
  /** For people. */
  where: string;
  /** How long after a call's end its row may be written, ms. */
  lateMs: number;
  /**
   * One pass over the rows of `span`, a portion at a time, from the seq that `position` names for a stream on (0: from
   * where the span begins). Null: a read that found none of them, so that the caller may rest. The caller asks for the
   * next portion when the one before is acked. @throws what the file system or SQLite says.
   */
  portions(span: Span, position: (stream: string) => number, facts: PassFacts): AsyncGenerator<Portion | null>;
}

export function newFacts(): PassFacts {
  return { goneBefore: null, damaged: 0, again: false };
}

/** A row belongs to a span when any of it happened in there. */
export function isWithin({ from, at }: { from: number; at: number }, span: Span): boolean {
  return at >= span.from && from <= span.to;
}

/** Rows stand in order of their time but for this: local time leaps back, threads write side by side, ms. */
export const DISORDER_MS = 70 * 60_000;
