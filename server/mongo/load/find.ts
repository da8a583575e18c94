import type { ClientBase } from "pg";
import type { DataSource } from "../../../shared/call.ts";
import type { JsonObject } from "../json.ts";
import { copyRows, type Cell } from "./copy.ts";
import type { DocumentFacts, EnterpriseEntry } from "../map/types.ts";

/** All documents of one call that came together. */
export interface Group {
  enterprise: EnterpriseEntry;
  /** See siteHost in map/enterprise.ts. */
  siteHost: string;
  linkedid: string;
  facts: DocumentFacts[];
}

/** A stored call that has to do with a group: its own, or one of somebody else that holds an id it would take. */
export interface Found {
  group: number;
  id: number;
  uniqueId: string;
  enterpriseId: string;
  linkedid: string;
  host: string | null;
  dataSource: DataSource;
  /** Epoch ms. */
  startTime: number | null;
  /** The call has an agent's id for this group's UniqueId, whatever the call itself is known by. */
  linked: boolean;
  /** Of migrated calls. */
  documents: JsonObject[] | null;
}

/** Of this connection alone, empty at each commit. */
export const STAGE_KEYS = `CREATE TEMP TABLE IF NOT EXISTS mongo_stage_keys
  (group_index int NOT NULL, enterprise_id text NOT NULL, linkedid text NOT NULL, candidate text NOT NULL)
  ON COMMIT DELETE ROWS`;

/**
 * The ids a migrated call may be stored under, in the order they are tried. Uniqueids repeat between customers' boxes:
 * the second to bring one gets its enterprise before it, then its host too.
 */
export function candidates({ enterprise, siteHost, linkedid }: Group): string[] {
  const own = [linkedid, `e${enterprise.id}-${linkedid}`];
  return siteHost === "" ? own : [...own, `e${enterprise.id}-${siteHost}-${linkedid}`];
}

/** What is stored already of these groups, and what stands in their way. Sent through a staging table, read by index. */
export async function findCalls(client: ClientBase, groups: readonly Group[]): Promise<Found[]> {
  await copyRows(client, "mongo_stage_keys (group_index, enterprise_id, linkedid, candidate)", keyRows(groups));
  const byId = await client.query<Found>(FIND("c.unique_id = k.candidate", "", false));
  const byLink = await client.query<Found>(
    FIND(
      "c.id = l.call_id",
      `JOIN sites s ON s.enterprise_id = k.enterprise_id AND k.candidate = k.linkedid
       JOIN call_links l ON l.site_id = s.id AND l.linkedid = k.linkedid`,
      true,
    ),
  );
  return [...byLink.rows, ...byId.rows];
}

function FIND(condition: string, through: string, linked: boolean): string {
  return `SELECT k.group_index AS "group", c.id::float8 AS id, c.unique_id AS "uniqueId", c.enterprise_id AS "enterpriseId",
      c.linkedid, c.asterisk_host AS host, c.data_source AS "dataSource",
      (extract(epoch FROM c.start_time) * 1000)::float8 AS "startTime", ${linked} AS linked,
      CASE WHEN c.data_source = 'migrated' AND c.enterprise_id = k.enterprise_id AND c.linkedid = k.linkedid
        THEN c.raw_data END AS documents
    FROM mongo_stage_keys k ${through} JOIN calls c ON ${condition} ORDER BY k.group_index, c.id`;
}

function* keyRows(groups: readonly Group[]): Generator<Cell[]> {
  for (const [index, group] of groups.entries()) {
    for (const candidate of candidates(group)) yield [index, group.enterprise.id, group.linkedid, candidate];
  }
}
