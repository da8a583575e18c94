import type { SeqRange } from "../../shared/wire.ts";
import { classify } from "./failure.ts";
import type { Keeper } from "./keeper.ts";
import { Lines } from "./lines.ts";
import { originOf, wireLine, type Now } from "./origin.ts";
import type { Batch, ReadRequest } from "./protocol.ts";
import { Ranges } from "./ranges.ts";
import { checksum } from "./schema.ts";
import type { DbRow, StoredRow } from "./store.ts";

/** A batch is made of at most this many ranges; fragments beyond wait for the next. */
const RANGES_MAX = 100;

interface Collected {
  lines: Lines;
  found: Ranges;
  /** Last seq looked at. */
  reached: number;
}

/**
 * The oldest events the server has not got, as wire lines; null when there are none below `before`.
 * Rows whose content does not match their checksum, or that are not there, are told as a gap and passed over.
 */
export function readBatch(keeper: Keeper, request: ReadRequest, now: Now, lines = new Lines()): Batch | null {
  for (;;) {
    const first = keeper.done.firstMissing(request.within?.[0] ?? 1);
    const end = Math.min(request.within?.[1] ?? Number.MAX_SAFE_INTEGER, request.before - 1, keeper.segmentEnd(first));
    if (first > end) return null;
    const wanted = keeper.done.missing(first, end, RANGES_MAX);
    const collected = collectSafely(keeper, wanted, request, now, lines);
    if (collected === null) continue;
    const missing = wanted.flatMap(([from, to]) => collected.found.missing(from, Math.min(to, collected.reached)));
    if (missing.length > 0) keeper.gone.lose(missing, "outbox_corrupt");
    if (lines.count > 0) return batchOf(keeper, first, collected);
  }
}

function batchOf(keeper: Keeper, first: number, { lines, found }: Collected): Batch {
  const { stream, base } = keeper.segmentOf(first);
  return {
    stream,
    base,
    highest: keeper.segmentEnd(first),
    oldestUnacked: keeper.done.firstMissing(base + 1),
    acked: keeper.everAcked.of({ stream, base }),
    ranges: [...found.list],
    count: lines.count,
    lines: lines.take(),
  };
}

/** Null when the file turned out to be damaged and was rebuilt: then everything is looked at anew. */
function collectSafely(
  keeper: Keeper,
  wanted: SeqRange[],
  request: ReadRequest,
  now: Now,
  lines: Lines,
): Collected | null {
  try {
    lines.clear();
    return collect(keeper, wanted, request, now, lines);
  } catch (error) {
    if (classify(error) !== "corrupt") throw error;
    keeper.rebuild(error);
    return null;
  }
}

function collect(keeper: Keeper, wanted: SeqRange[], request: ReadRequest, now: Now, lines: Lines): Collected {
  const into: Collected = { lines, found: new Ranges(), reached: 0 };
  for (const [from, to] of wanted) {
    for (const row of rowsOf(keeper, from, to)) {
      if (lines.count >= request.eventsMax || lines.bytes >= request.bytesMax) return into;
      into.reached = row.seq;
      take(keeper, row, request.windowMs, now, into);
    }
    into.reached = to;
  }
  return into;
}

function take(keeper: Keeper, row: Readable, windowMs: number, now: Now, into: Collected): void {
  if (row.crc !== undefined && row.crc !== checksum(row.seq, row.body)) return;
  const { base } = keeper.segmentOf(row.seq);
  const again = keeper.everAcked.isAgain(row.seq);
  const origin = again ? "downloaded" : originOf(row, now, windowMs, keeper.isOfThisRun(row.seq));
  into.lines.add(wireLine(row.seq - base, row, origin));
  into.found.add(row.seq, row.seq);
}

interface Readable {
  seq: number;
  at: number;
  mono: number;
  lag: number;
  body: string;
  crc?: number;
}

/** Rows from the file, then those that could not be written yet: their seqs are higher. */
function* rowsOf(keeper: Keeper, from: number, to: number): Generator<Readable> {
  for (const row of keeper.store.rows(from, to)) yield fromFile(row);
  const waiting: StoredRow[] = keeper.unwritten.count === 0 ? [] : keeper.unwritten.within(from, to);
  yield* waiting;
}

function fromFile({ seq, captured_at, mono, lag, body, crc }: DbRow): Readable {
  return { seq, at: captured_at, mono, lag, body, crc };
}
