import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import { storable } from "../../ingest/storable.ts";
import type { JsonObject } from "../json.ts";
import type { RejectReason } from "../map/types.ts";

/** A document that could not become a call; `document` or, when it could not even be read, `raw` (text, or BSON in base64). */
export interface RejectedDocument {
  key: string;
  reason: RejectReason;
  detail: string;
  document: JsonObject | null;
  raw: string | null;
}

/** What is not readable has no `_id` to know it by. */
export function keyOfRaw(raw: string): string {
  return `raw:${createHash("sha1").update(raw).digest("hex")}`;
}

/** Keeps rejects; one that was kept before takes the new reason. Returns how many were not kept before. */
export async function saveRejects(
  client: ClientBase,
  importId: number,
  rejects: readonly RejectedDocument[],
): Promise<number> {
  if (rejects.length === 0) return 0;
  const { rows } = await client.query<{ added: boolean }>(
    `INSERT INTO mongo_rejects (import_id, key, reason, detail, document, raw)
     SELECT DISTINCT ON (r.key) $1, r.key, r.reason, r.detail, r.document, r.raw
     FROM json_to_recordset($2) AS r (key text, reason text, detail text, document jsonb, raw text)
     ON CONFLICT (import_id, key) DO UPDATE SET reason = EXCLUDED.reason, detail = EXCLUDED.detail,
       document = EXCLUDED.document, raw = EXCLUDED.raw
     RETURNING xmax = 0 AS added`,
    [importId, JSON.stringify(rejects.map(withStorableText))],
  );
  return rows.filter((row) => row.added).length;
}

function withStorableText(reject: RejectedDocument): RejectedDocument {
  const { key, detail, raw } = reject;
  return { ...reject, key: storable(key), detail: storable(detail), raw: raw === null ? null : storable(raw) };
}

/** Forgets rejects whose documents have become calls. */
export async function dropRejects(client: ClientBase, importId: number, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0;
  const { rowCount } = await client.query("DELETE FROM mongo_rejects WHERE import_id = $1 AND key = ANY($2)", [
    importId,
    keys,
  ]);
  return rowCount ?? 0;
}

/** Rejects in the order they were met, from behind one of them (`after`, 0: from the first). */
export async function readRejects(
  client: ClientBase,
  importId: number,
  after: number,
  limit: number,
): Promise<(RejectedDocument & { id: number })[]> {
  const { rows } = await client.query<RejectedDocument & { id: string }>(
    `SELECT id, key, reason, detail, document, raw FROM mongo_rejects WHERE import_id = $1 AND id > $2
     ORDER BY id LIMIT $3`,
    [importId, after, limit],
  );
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/** How many there are, by reason. */
export async function countRejects(
  client: ClientBase,
  importId: number,
): Promise<Partial<Record<RejectReason, number>>> {
  const { rows } = await client.query<{ reason: RejectReason; count: number }>(
    "SELECT reason, count(*)::float8 AS count FROM mongo_rejects WHERE import_id = $1 GROUP BY reason ORDER BY reason",
    [importId],
  );
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
}
