import type { RejectReason, Rule } from "./map/types.ts";

/** What became of the documents of an import, over all its runs. */
export interface Counts {
  /** Read from the source. */
  documents: number;
  /** New rows of calls. */
  calls: number;
  /** Documents that became part of a migrated call, alone or with others. */
  migrated: number;
  /** Documents whose call had come over the wire; it learnt its mongo_id. */
  linked: number;
  rejected: number;
  rejects: Partial<Record<RejectReason, number>>;
  rules: Partial<Record<Rule, number>>;
}

export function noCounts(): Counts {
  return { documents: 0, calls: 0, migrated: 0, linked: 0, rejected: 0, rejects: {}, rules: {} };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    documents: a.documents + b.documents,
    calls: a.calls + b.calls,
    migrated: a.migrated + b.migrated,
    linked: a.linked + b.linked,
    rejected: a.rejected + b.rejected,
    rejects: addWords(a.rejects, b.rejects),
    rules: addWords(a.rules, b.rules),
  };
}

/** How often each word occurs. */
export function countWords<T extends string>(words: readonly T[]): Partial<Record<T, number>> {
  const out: Partial<Record<T, number>> = {};
  for (const word of words) out[word] = (out[word] ?? 0) + 1;
  return out;
}

function addWords<T extends string>(
  a: Partial<Record<T, number>>,
  b: Partial<Record<T, number>>,
): Partial<Record<T, number>> {
  const out = { ...a };
  for (const word of Object.keys(b) as T[]) out[word] = (out[word] ?? 0) + (b[word] ?? 0);
  return out;
}
