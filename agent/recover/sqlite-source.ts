import { createHash } from "node:crypto";
import type { RepairSource } from "../../shared/ami-event.ts";
import type { Column, Layout } from "./columns.ts";
import { streamOf } from "./identity.ts";
import { readRow, type RecoveredEvent } from "./row.ts";
import {
  DISORDER_MS,
  isWithin,
  RECOVER_ROWS_MAX,
  type PassFacts,
  type Portion,
  type Source,
  type Span,
} from "./source.ts";
import { SqliteTable, type TableRow } from "./sqlite-table.ts";
import type { Zone } from "./zone.ts";

const IDENTIFYING: ReadonlySet<string> = new Set(["UniqueID", "EventName", "Channel", "Timestamp", "StartTime"]);

/** Which stream a table's rows belong to, and the row that proves it is still the same table. */
export interface TableIdentity {
  stream: string;
  rowid: number;
  hash: string;
}

/** Remembers identities between runs, by the key of a table. */
export interface Identities {
  get(key: string): TableIdentity | undefined;
  set(key: string, identity: TableIdentity): void;
}

export interface SqliteSettings {
  kind: RepairSource;
  path: string;
  table: string;
  site: string;
  event: Layout["event"];
  /** Table columns and what they hold. */
  columns: readonly { name: string; column: Column }[];
  zone: Zone;
  identities: Identities;
  nowMs(): number;
  lateMs: number;
  disorderMs?: number;
}

/** A table of cel_sqlite3_custom or cdr_sqlite3_custom. A seq is a rowid. */
export function sqliteSource(settings: SqliteSettings): Source {
  const { kind, path, table: name, site, columns, zone, identities, lateMs, disorderMs = DISORDER_MS } = settings;
  const table = new SqliteTable(path, name);
  const names = columns.map((each) => each.name);
  const layout: Layout = { event: settings.event, columns: columns.map(({ column }) => column) };
  const key = `${path} ${name}`;

  return {
    kind,
    where: `${path} (${name})`,
    lateMs,
    async *portions(span, position, facts) {
      const bounds = table.bounds();
      if (bounds === null) return;
      const [lowest, highest] = bounds;
      const stream = identify(lowest, highest);
      const oldest = eventOf(rowAt(lowest));
      if (lowest > 1 && oldest !== null && oldest.at > span.from) facts.goneBefore = oldest.at;
      const from = position(stream) || seek(lowest, highest, span.from - disorderMs);
      yield* portionsFrom(from, stream, span, facts);
    },
  };

  function* portionsFrom(from: number, stream: string, span: Span, facts: PassFacts): Generator<Portion | null> {
    let previous: number | undefined;
    for (let next = from; ;) {
      const rows = table.rows(names, next, RECOVER_ROWS_MAX);
      const last = rows.at(-1);
      if (last === undefined) return;
      const told = rows.map((row) => {
        const event = eventOf(row, previous);
        previous = event?.at ?? previous;
        return { rowid: row.rowid, event };
      });
      facts.damaged += told.filter(({ event }) => event === null).length;
      const portion = portionOf(stream, told, span);
      if (portion !== null) remember(stream, rows, portion.span[1]);
      yield portion;
      if ((told.findLast(({ event }) => event !== null)?.event?.from ?? 0) > span.to + disorderMs) return;
      next = last.rowid + 1;
    }
  }

  /**
   * The stream is named by the table's first row when it was first read. Rows pruned since change nothing while rowids
   * go on; when the row seen last is another, or rowids began anew, it is another table.
   */
  function identify(lowest: number, highest: number): string {
    const known = identities.get(key);
    if (known !== undefined && isSame(known, lowest, highest)) return known.stream;
    const first = rowAt(lowest);
    const stream = streamOf(site, `${kind} ${name}`, hashOf(first));
    if (first !== undefined) identities.set(key, { stream, rowid: first.rowid, hash: hashOf(first) });
    return stream;
  }

  function isSame({ rowid, hash }: TableIdentity, lowest: number, highest: number): boolean {
    if (lowest > rowid) return true;
    return highest >= rowid && hashOf(rowAt(rowid)) === hash;
  }

  function remember(stream: string, rows: readonly TableRow[], upTo: number): void {
    const row = rows.find(({ rowid }) => rowid === upTo);
    const known = identities.get(key);
    if (row !== undefined && (known === undefined || known.rowid < upTo))
      identities.set(key, { stream, rowid: upTo, hash: hashOf(row) });
  }

  /** Highest rowid before which all rows happened before `beforeMs`, by halving. */
  function seek(lowest: number, highest: number, beforeMs: number): number {
    let [low, high] = [lowest, highest];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const event = eventOf(rowAt(middle));
      if (event !== null && event.at < beforeMs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The row of this rowid, or the next there is. */
  function rowAt(rowid: number): TableRow | undefined {
    return table.rows(names, rowid, 1)[0];
  }

  /** Of what never changes about a row, however many columns the table is given later. */
  function hashOf(row: TableRow | undefined): string {
    if (row === undefined) return "";
    const told = row.values.filter((_, at) => IDENTIFYING.has(columns[at]?.column.header ?? ""));
    return createHash("sha256")
      .update(JSON.stringify([row.rowid, told]))
      .digest("hex")
      .slice(0, 32);
  }

  function eventOf(row: TableRow | undefined, previous?: number): RecoveredEvent | null {
    return row === undefined ? null : readRow(row.values, { layout, zone, about: settings.nowMs(), previous });
  }
}

/** From the first row of the span to the last one, those of another time between them too; null when there is none. */
function portionOf(
  stream: string,
  told: readonly { rowid: number; event: RecoveredEvent | null }[],
  span: Span,
): Portion | null {
  const rows = told.flatMap(({ rowid, event }) => (event === null ? [] : [{ rowid, event }]));
  const first = rows.findIndex(({ event }) => isWithin(event, span));
  const last = rows.findLastIndex(({ event }) => isWithin(event, span));
  if (first < 0) return null;
  const sent = rows.slice(first, last + 1).map(({ rowid, event }) => ({ seq: rowid, at: event.at, ev: event.ev }));
  return { stream, span: [rows[first]?.rowid ?? 1, rows[last]?.rowid ?? 1], rows: sent };
}
