import { RingpostError } from "../../../shared/errors.ts";
import { mergeCall } from "../map/call.ts";
import { isReject, siteHost } from "../map/enterprise.ts";
import { mapDocument, type MappingContext } from "../map/document.ts";
import type { CallRow, DocumentFacts, Rule } from "../map/types.ts";
import { candidates, type Found, type Group } from "./find.ts";

/** What is to be done with the groups of a batch. */
export interface Plan {
  insert: { uniqueId: string; row: CallRow }[];
  rewrite: { id: number; uniqueId: string; row: CallRow }[];
  /** Calls that came over the wire themselves: they only learn their mongo_id. */
  link: { id: number; mongoId: string; documents: number }[];
  /** Migrated calls that came over the wire after all, under another row. */
  remove: number[];
  rules: Rule[];
}

/** Decides for each group, by what is stored: a new call, more of a migrated one, or a link to a live or downloaded one. */
export function planBatch(groups: readonly Group[], found: readonly Found[], context: MappingContext): Plan {
  const plan: Plan = { insert: [], rewrite: [], link: [], remove: [], rules: [] };
  const byGroup = Map.groupBy(found, (call) => call.group);
  const taken = new Set(found.map((call) => call.uniqueId));
  for (const [index, group] of groups.entries()) planGroup(group, byGroup.get(index) ?? [], taken, context, plan);
  return plan;
}

function planGroup(
  group: Group,
  found: readonly Found[],
  taken: Set<string>,
  context: MappingContext,
  plan: Plan,
): void {
  const { migrated, wired } = ownCalls(group, found, plan.rules);
  if (wired !== undefined) {
    const first = group.facts[0];
    if (first !== undefined) plan.link.push({ id: wired.id, mongoId: first.mongoId, documents: group.facts.length });
    if (migrated !== undefined) plan.remove.push(migrated.id);
    return;
  }
  const row = mergeCall(allFacts(group, migrated, context), group.enterprise);
  plan.rules.push(...row.rules, ...group.facts.flatMap((facts) => facts.ownerRules));
  if (migrated !== undefined) plan.rewrite.push({ id: migrated.id, uniqueId: migrated.uniqueId, row });
  else plan.insert.push({ uniqueId: freeId(group, taken), row });
}

/** Of what is stored near a group: its migrated call, and the call that came over the wire. */
export function ownCalls(
  group: Group,
  found: readonly Found[],
  rules: Rule[],
): { migrated: Found | undefined; wired: Found | undefined } {
  const own = found.filter((call) => isOwn(group, call));
  const wired = own.filter((call) => call.dataSource !== "migrated");
  return { migrated: own.find((call) => call.dataSource === "migrated"), wired: nearest(wired, group, rules) };
}

function isOwn(group: Group, call: Found): boolean {
  if (call.enterpriseId !== group.enterprise.id) return false;
  if (!call.linked && call.linkedid !== group.linkedid) return false;
  const host = siteHost(group.enterprise, call.host);
  return call.dataSource === "migrated" ? host === group.siteHost : group.siteHost === "" || host === group.siteHost;
}

/** Two sites of one enterprise may hold the same Uniqueid, and the document does not say which: the nearer in time. */
function nearest(calls: readonly Found[], group: Group, rules: Rule[]): Found | undefined {
  const different = new Set(calls.map((call) => call.id));
  if (different.size <= 1) return calls[0];
  rules.push("linked_ambiguous");
  const start = group.facts.find((facts) => facts.start !== undefined)?.start ?? 0;
  return calls.toSorted((a, b) => distance(a, start) - distance(b, start) || a.id - b.id)[0];
}

function distance({ startTime }: Found, start: number): number {
  return startTime === null ? Infinity : Math.abs(startTime - start);
}

/** The documents stored before, read again, and the new ones; one that came before under its _id is replaced. */
export function allFacts(group: Group, stored: Found | undefined, context: MappingContext): DocumentFacts[] {
  const facts = new Map<string, DocumentFacts>();
  for (const document of stored?.documents ?? []) {
    const mapped = mapDocument(document, context, group.enterprise);
    if (isReject(mapped)) throw noLongerReadable(group, mapped.detail);
    facts.set(mapped.mongoId, mapped);
  }
  for (const one of group.facts) facts.set(one.mongoId, one);
  return [...facts.values()];
}

/** Dropping it would lose it; the operator has changed the mapping in mid-course. */
function noLongerReadable({ linkedid, enterprise }: Group, found: string): RingpostError {
  return new RingpostError({
    code: "mapping_changed",
    attempted: "read again a document that was imported before",
    on: `call ${linkedid} of enterprise ${enterprise.id}`,
    found,
    retry: "no",
    next: "Give the --mapping file the earlier import was made with.",
  });
}

function freeId(group: Group, taken: Set<string>): string {
  const ids = candidates(group);
  const free = ids.find((id) => !taken.has(id)) ?? ids[0];
  if (free === undefined) throw new RangeError("a call has at least one id");
  taken.add(free);
  return free;
}
