import type { ClientBase } from "pg";
import { addCounts, countWords, noCounts, type Counts } from "./counts.ts";
import { loadBatch } from "./load/load.ts";
import { finishImport, type ImportState } from "./load/progress.ts";
import { mapBatch, type MappedBatch } from "./map/batch.ts";
import type { MappingContext } from "./map/document.ts";
import type { RejectedDocument } from "./load/rejects.ts";
import type { Bounds, Position, Source } from "./source/source.ts";

/** How far a run is; told after every batch. */
export interface RunProgress {
  /** Documents of this run. */
  documents: number;
  /** Part of the source that is read, 0 to 1; null: not known. */
  part: number | null;
  counts: Counts;
}

export interface RunHooks {
  onProgress(progress: RunProgress): void;
  /** The batch at hand is finished, then the run ends; the next one goes on from there. */
  stop: AbortSignal;
}

interface Mapped {
  batch: MappedBatch;
  position: Position;
  bytesRead: number | null;
}

/**
 * Brings over what the source has behind `state.position`. While PostgreSQL writes a batch the next one is read and
 * mapped; there are never more than these two in memory.
 */
export async function runImport(
  client: ClientBase,
  source: Source,
  state: ImportState,
  context: MappingContext,
  bounds: Bounds,
  hooks: RunHooks,
): Promise<ImportState> {
  let current = state;
  let documents = 0;
  for await (const { batch, position, bytesRead } of ahead(mapped(source, state.position, context, bounds))) {
    current = await loadBatch(client, batch, position, current, context);
    documents += batch.documents;
    hooks.onProgress({ documents, part: partOf(source, current.counts, bytesRead), counts: current.counts });
    if (hooks.stop.aborted) return current;
  }
  await finishImport(client, current.id);
  return { ...current, finished: true };
}

export interface Rehearsal {
  counts: Counts;
  /** Customers that would be registered, with how many documents each. */
  made: Record<string, number>;
  rejects: RejectedDocument[];
}

/** Rejects shown by a rehearsal; it must not hold a whole collection of them. */
const rehearsedRejectsMax = 10_000;

/** Reads and maps everything and writes nothing. */
export async function rehearse(
  source: Source,
  context: MappingContext,
  bounds: Bounds,
  hooks: RunHooks,
): Promise<Rehearsal> {
  let counts = noCounts();
  const made = new Map<string, number>();
  const rejects: RejectedDocument[] = [];
  for await (const { batch, bytesRead } of mapped(source, null, context, bounds)) {
    const facts = batch.groups.flatMap((group) => group.facts);
    counts = addCounts(counts, {
      ...noCounts(),
      documents: batch.documents,
      migrated: facts.length,
      rejected: batch.rejects.length,
      rejects: countWords(batch.rejects.map(({ reason }) => reason)),
      rules: countWords(facts.flatMap((one) => [...one.rules, ...one.ownerRules])),
    });
    for (const one of batch.made) made.set(one.id, 0);
    for (const { enterpriseId } of facts) {
      if (made.has(enterpriseId)) made.set(enterpriseId, (made.get(enterpriseId) ?? 0) + 1);
    }
    rejects.push(...batch.rejects.slice(0, rehearsedRejectsMax - rejects.length));
    hooks.onProgress({ documents: counts.documents, part: partOf(source, counts, bytesRead), counts });
    if (hooks.stop.aborted) break;
  }
  return { counts, made: Object.fromEntries(made), rejects };
}

export async function* mapped(
  source: Source,
  from: Position | null,
  context: MappingContext,
  bounds: Bounds,
): AsyncGenerator<Mapped> {
  for await (const { items, position, bytesRead } of source.read(from, bounds)) {
    yield { batch: mapBatch(items, context), position, bytesRead };
  }
}

/** Asks for the next one while the last is being worked on. */
async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (let result = await next; result.done !== true; result = await next) {
      next = items.next();
      // Heard of at its turn; until then it must not count as unhandled.
      next.catch(() => undefined);
      yield result.value;
    }
  } finally {
    await next.catch(() => undefined);
    await items.return(undefined);
  }
}

export function partOf({ total }: Source, { documents }: Counts, bytesRead: number | null): number | null {
  if (bytesRead !== null && total.bytes !== null && total.bytes > 0) return Math.min(1, bytesRead / total.bytes);
  if (total.documents === null || total.documents === 0) return null;
  return Math.min(1, documents / total.documents);
}
