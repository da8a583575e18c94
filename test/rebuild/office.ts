import type { Assembler } from "../../server/ingest/assembler.ts";
import { rebuild } from "../../server/rebuild/rebuild.ts";
import type { CallChange, RebuildSummary, SkippedCall } from "../../server/rebuild/types.ts";
import type { RebuildScope } from "../../server/store/findRebuildable.ts";
import type { Office } from "../ingest/office.ts";

export interface Rebuilt extends RebuildSummary {
  changes: CallChange[];
  left: SkippedCall[];
}

export interface How {
  scope?: RebuildScope;
  dryRun?: boolean;
  assembler?: Assembler;
  stop?: AbortSignal;
  progress?: (done: number, total: number) => void;
}

/** Assembles again as the command does. */
export async function rebuildNow(office: Office, how: How = {}): Promise<Rebuilt> {
  const changes: CallChange[] = [];
  const left: SkippedCall[] = [];
  const { scope = {}, dryRun = false, assembler, stop = new AbortController().signal } = how;
  const options = { pool: office.db.pool, scope, dryRun, now: () => Date.now(), random: Math.random, stop };
  const summary = await rebuild(
    { ...options, ...(assembler === undefined ? {} : { assembler }) },
    {
      changed: (change) => changes.push(change),
      skipped: (call) => left.push(call),
      progress: how.progress ?? (() => undefined),
    },
  );
  return { ...summary, changes, left };
}

/** All rows a rebuild may touch, as they are, ids and flags included. */
export async function everything(office: Office): Promise<unknown> {
  const tables = {
    calls: "id",
    call_participants: "id",
    call_events: "id",
    call_links: "site_id, linkedid",
    deliveries: "id",
  };
  const rows = await Promise.all(
    Object.entries(tables).map(async ([table, order]) => [
      table,
      await office.rows(`SELECT * FROM ${table} ORDER BY ${order}`),
    ]),
  );
  return Object.fromEntries(rows) as unknown;
}
