import type { SeqRange } from "../../shared/wire.ts";
import { checksum } from "./schema.ts";
import type { Segment, SetAside, Store } from "./store.ts";

/** What a person may ask about the outbox. */
export interface OutboxLook {
  streams: Segment[];
  /** Lowest and highest seq whose rows are in the file. */
  held: SeqRange | null;
  /** Acked by the server; the oldest LISTED_MAX ranges. */
  acked: SeqRange[];
  set_aside: SetAside[];
}

export interface CheckedRows {
  checked: number;
  /** Seqs of rows whose content is not what was written. */
  bad: number[];
  /** Where to go on; null at the end. */
  next: number | null;
}

const LISTED_MAX = 100;
/** Rows a check reads in one go: commits wait for no longer than these take (some milliseconds). */
const CHECK_ROWS_MAX = 2_000;

export function lookInto(store: Store, acked: readonly SeqRange[]): OutboxLook {
  return {
    streams: store.segments,
    held: store.bounds(),
    acked: acked.slice(0, LISTED_MAX),
    set_aside: store.setAsides(LISTED_MAX),
  };
}

/** Compares rows from `from` on with their checksums. */
export function checkRows(store: Store, from: number): CheckedRows {
  const bad: number[] = [];
  let checked = 0;
  for (const row of store.rows(from, Number.MAX_SAFE_INTEGER)) {
    if (checked === CHECK_ROWS_MAX) return { checked, bad, next: row.seq };
    checked++;
    if (checksum(row.seq, row.body) !== row.crc) bad.push(row.seq);
  }
  return { checked, bad, next: null };
}
