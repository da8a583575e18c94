import { isReject } from "./enterprise.ts";
import { mapDocument, mongoIdOf, type MappingContext } from "./document.ts";
import type { Group } from "../load/find.ts";
import { keyOfRaw, type RejectedDocument } from "../load/rejects.ts";
import type { DocumentFacts, EnterpriseEntry } from "./types.ts";
import type { SourceItem } from "../source/source.ts";

/** A chunk of the source, mapped: the calls its documents tell of, and those that tell of none. */
export interface MappedBatch {
  documents: number;
  groups: Group[];
  rejects: RejectedDocument[];
  /** Customers that the documents bring along. */
  made: EnterpriseEntry[];
  /** Keys of earlier rejects that these documents stand for, beside their own `_id`s. */
  settled: string[];
}

/** Maps a chunk. Adds the customers it makes to the directory, so that the next chunk knows them. */
export function mapBatch(items: readonly SourceItem[], context: MappingContext): MappedBatch {
  const groups = new Map<string, Group>();
  const rejects: RejectedDocument[] = [];
  const made: EnterpriseEntry[] = [];
  for (const item of items) {
    const mapped = mapItem(item, context);
    if ("key" in mapped) rejects.push(mapped);
    else addToGroup(groups, mapped, enterpriseOf(mapped, context, made));
  }
  return { documents: items.length, groups: [...groups.values()], rejects, made, settled: [] };
}

function mapItem(item: SourceItem, context: MappingContext): DocumentFacts | RejectedDocument {
  if ("unreadable" in item) {
    const { detail, raw } = item.unreadable;
    const where = item.where === "" ? "" : ` (${item.where})`;
    return { key: keyOfRaw(raw), reason: "unreadable", detail: `${detail}${where}`, document: null, raw };
  }
  const mapped = mapDocument(item.document, context);
  if (!isReject(mapped)) return mapped;
  return { ...mapped, key: mongoIdOf(item.document, []), document: item.document, raw: null };
}

function enterpriseOf(facts: DocumentFacts, { directory }: MappingContext, made: EnterpriseEntry[]): EnterpriseEntry {
  const known = directory.enterprises.get(facts.enterpriseId);
  if (known !== undefined) return known;
  const timezone = directory.make?.timezone ?? "UTC";
  const enterprise = { id: facts.enterpriseId, token: facts.token ?? "", timezone, hosts: [] };
  directory.enterprises.set(enterprise.id, enterprise);
  made.push(enterprise);
  return enterprise;
}

function addToGroup(groups: Map<string, Group>, facts: DocumentFacts, enterprise: EnterpriseEntry): void {
  const { siteHost, linkedid } = facts;
  const key = JSON.stringify([enterprise.id, siteHost, linkedid]);
  const group = groups.get(key);
  if (group === undefined) groups.set(key, { enterprise, siteHost, linkedid, facts: [facts] });
  else replaceOrAdd(group.facts, facts);
}

/** The same `_id` again is the same document, as it is now. */
function replaceOrAdd(all: DocumentFacts[], facts: DocumentFacts): void {
  const at = all.findIndex((one) => one.mongoId === facts.mongoId);
  if (at < 0) all.push(facts);
  else all[at] = facts;
}
