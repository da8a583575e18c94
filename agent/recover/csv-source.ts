import { statSync } from "node:fs";
import type { RepairSource } from "../../shared/ami-event.ts";
import { codeOf } from "../../shared/errors.ts";
import { openBytes, type Bytes } from "./bytes.ts";
import { siblingsOf, type Sibling } from "./family.ts";
import { streamOf } from "./identity.ts";
import { firstRow, RowScanner, seekTime, type Format, type PlacedRow } from "./scanner.ts";
import {
  DISORDER_MS,
  isWithin,
  RECOVER_ROWS_MAX,
  type PassFacts,
  type Portion,
  type Source,
  type Span,
} from "./source.ts";

/** Rows of another time among those of the span, sent along so that a portion stays one piece; more of them part it. */
const BETWEEN_ROWS_MAX = 50;

export interface CsvSettings {
  kind: RepairSource;
  path: string;
  site: string;
  format: Format;
  lateMs: number;
  /** How much later than its time a row may stand in the file, ms. */
  disorderMs?: number;
}

/** A file of the family that may have rows of the span. */
interface Opened {
  file: Sibling;
  stream: string;
  firstAt: number;
}

/** A CSV log with all that rotation made of it. A seq is the offset of a row's first byte, plus one. */
export function csvSource({ kind, path, site, format, lateMs, disorderMs = DISORDER_MS }: CsvSettings): Source {
  return {
    kind,
    where: path,
    lateMs,
    async *portions(span, position, facts) {
      const files = siblingsOf(path);
      const opened = await identify(files);
      const oldestAt = Math.min(...opened.map(({ firstAt }) => firstAt));
      // Where files are rotated the oldest ones are removed; a log that never was has all there ever was.
      if (opened.length > 1 && oldestAt > span.from) facts.goneBefore = oldestAt;
      for (const one of opened) {
        // Whatever was written last before the span began holds nothing of it.
        if (one.file.modifiedMs < span.from || one.firstAt > span.to + disorderMs) continue;
        yield* portionsOf(one, span, position(one.stream), facts);
      }
      await noteRotation(files, facts);
    },
  };

  /** The same file may be there twice while it is being rotated: the larger copy is read. */
  async function identify(files: readonly Sibling[]): Promise<Opened[]> {
    const found = new Map<string, Opened>();
    for (const file of files) {
      const first = await using(file.path, (bytes) => firstRow(bytes, format, file.modifiedMs));
      if (first === null) continue;
      const stream = streamOf(site, kind, first.bytes);
      const known = found.get(stream);
      const isBetter =
        known === undefined ||
        (known.file.path.endsWith(".gz") && !file.path.endsWith(".gz")) ||
        known.file.size < file.size;
      if (isBetter) found.set(stream, { file, stream, firstAt: first.at });
    }
    return [...found.values()];
  }

  async function* portionsOf(
    { file, stream }: Opened,
    span: Span,
    position: number,
    facts: PassFacts,
  ): AsyncGenerator<Portion | null> {
    const bytes = await openBytes(file.path);
    try {
      const from = position > 1 ? position - 1 : await seekTime(bytes, format, span.from - disorderMs, file.modifiedMs);
      const scanner = new RowScanner(bytes, format, from, file.modifiedMs);
      yield* gather(scanner, stream, span, disorderMs);
      facts.damaged += scanner.damaged;
    } catch (error) {
      if (!isCutShort(error)) throw error;
      facts.again = true;
    } finally {
      await bytes.close();
    }
  }

  async function noteRotation(before: readonly Sibling[], facts: PassFacts): Promise<void> {
    const now = siblingsOf(path).map((file) => file.path);
    const isSame =
      now.length === before.length && before.every((file) => now.includes(file.path) && sizeOf(file.path) >= file.size);
    if (!isSame) facts.again = true;
  }
}

/** Rows of the span in portions; those of another time between them go along, those before and after do not. */
async function* gather(
  scanner: RowScanner,
  stream: string,
  span: Span,
  disorderMs: number,
): AsyncGenerator<Portion | null> {
  let gathered: PlacedRow[] = [];
  let between: PlacedRow[] = [];
  let passed = 0;
  for (let placed = await scanner.next(); placed !== null; placed = await scanner.next()) {
    if (placed.row.from > span.to + disorderMs) break;
    if (isWithin(placed.row, span)) {
      gathered.push(...between, placed);
      between = [];
    } else if (gathered.length > 0) between.push(placed);
    else if (++passed % RECOVER_ROWS_MAX === 0) yield null;
    if (gathered.length < RECOVER_ROWS_MAX && between.length < BETWEEN_ROWS_MAX) continue;
    yield portionOf(stream, gathered);
    [gathered, between] = [[], []];
  }
  if (gathered.length > 0) yield portionOf(stream, gathered);
}

function portionOf(stream: string, placed: readonly PlacedRow[]): Portion {
  const [first, last] = [placed[0], placed.at(-1)];
  if (first === undefined || last === undefined) throw new Error("a portion without rows");
  const rows = placed.map(({ start, row }) => ({ seq: start + 1, at: row.at, ev: row.ev }));
  return { stream, span: [first.start + 1, last.end], rows };
}

async function using<T>(path: string, work: (bytes: Bytes) => Promise<T | null>): Promise<T | null> {
  let bytes: Bytes;
  try {
    bytes = await openBytes(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  try {
    return await work(bytes);
  } catch (error) {
    if (isCutShort(error)) return null;
    throw error;
  } finally {
    await bytes.close();
  }
}

/** A file that is being packed, or was moved between looking and reading. */
function isCutShort(error: unknown): boolean {
  return ["Z_BUF_ERROR", "Z_DATA_ERROR", "ENOENT"].includes(codeOf(error) ?? "");
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
