import type { ClientBase } from "pg";
import { RingpostError } from "../../../shared/errors.ts";
import { addCounts, noCounts, type Counts } from "../counts.ts";
import type { JsonObject } from "../json.ts";
import type { Position } from "../source/source.ts";

/** How far the bringing over of one source is. */
export interface ImportState {
  id: number;
  position: Position | null;
  counts: Counts;
  finished: boolean;
}

/** Two imports at once would wait for each other's rows in turns; they go one after the other. */
const LOCK = "SELECT pg_try_advisory_lock(hashtext('ringpost mongo import')) AS got";
const lockPollMs = 200;

/**
 * Takes the connection's lock on importing. A process killed a moment ago may hold it until PostgreSQL notices; another
 * import that really runs is told after `waitMsMax`.
 */
export async function lockImports(
  client: ClientBase,
  waitMsMax: number,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  for (let waited = 0; ; waited += lockPollMs) {
    const { rows } = await client.query<{ got: boolean }>(LOCK);
    if (rows[0]?.got === true) return;
    if (waited >= waitMsMax) break;
    await sleep(lockPollMs);
  }
  throw new RingpostError({
    code: "import_running",
    attempted: "begin the import",
    on: "this database",
    found: "another import is running",
    retry: "later",
    next: "Wait for it to end, or stop it, then run this command again.",
  });
}

/** Where an import of this source stands. Another content under the same name begins anew; what is there stays. */
export async function openImport(client: ClientBase, source: string, fingerprint: string): Promise<ImportState> {
  const { rows } = await client.query<{
    id: string;
    fingerprint: string;
    position: Position | null;
    counts: Partial<Counts>;
    finished: boolean;
  }>(
    `INSERT INTO mongo_imports AS i (source, fingerprint) VALUES ($1, $2)
     ON CONFLICT (source) DO UPDATE SET source = EXCLUDED.source
     RETURNING i.id, i.fingerprint, i.position, i.counts, i.finished_at IS NOT NULL AS finished`,
    [source, fingerprint],
  );
  const row = rows[0];
  if (row === undefined) throw new Error("mongo_imports gave no row");
  if (row.fingerprint !== fingerprint) return restartImport(client, Number(row.id), fingerprint);
  return { ...row, id: Number(row.id), counts: { ...noCounts(), ...row.counts } };
}

/** Begins the source anew. The calls it brought stay, and are found again; its rejects are met again or not. */
export async function restartImport(client: ClientBase, id: number, fingerprint: string): Promise<ImportState> {
  await client.query("DELETE FROM mongo_rejects WHERE import_id = $1", [id]);
  await client.query(
    "UPDATE mongo_imports SET fingerprint = $2, position = NULL, counts = '{}', finished_at = NULL WHERE id = $1",
    [id, fingerprint],
  );
  return { id, position: null, counts: noCounts(), finished: false };
}

/** Within the transaction of the rows. */
export async function saveProgress(
  client: ClientBase,
  state: ImportState,
  position: Position | null,
  more: Counts,
): Promise<ImportState> {
  const next = { ...state, position, counts: addCounts(state.counts, more) };
  await client.query("UPDATE mongo_imports SET position = $2, counts = $3, updated_at = now() WHERE id = $1", [
    state.id,
    JSON.stringify(position),
    JSON.stringify(next.counts),
  ]);
  return next;
}

export async function finishImport(client: ClientBase, id: number): Promise<void> {
  await client.query("UPDATE mongo_imports SET finished_at = now() WHERE id = $1", [id]);
}

export async function saveReport(client: ClientBase, id: number, report: JsonObject): Promise<void> {
  await client.query("UPDATE mongo_imports SET report = $2 WHERE id = $1", [id, JSON.stringify(report)]);
}
