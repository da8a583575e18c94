import type { ClientBase } from "pg";
import { countWords } from "../counts.ts";
import { mapped, partOf, type RunHooks } from "../import.ts";
import { noCounts } from "../counts.ts";
import type { MappingContext } from "../map/document.ts";
import type { CallRow, RejectReason } from "../map/types.ts";
import type { Bounds, Source } from "../source/source.ts";
import { compareCall, type Difference } from "./compare.ts";
import { checkBatch, EXPECTED_TABLE } from "./expected.ts";
import { runQueries, tallies, wrongs, type QueryRun, type Tally } from "./sql.ts";

/** Whether everything the source has is here, and as it should be. */
export interface ValidationReport {
  ok: boolean;
  documents: Documents;
  totals: Tally[];
  breakdown: Tally[];
  wrongs: Tally[];
  /** `_id`s of documents without a call, and of ones their call has not or not so; the first of them. */
  missing: string[];
  differing: string[];
  sample: { calls: number; differences: Difference[] };
  queries: QueryRun[];
}

export interface Documents {
  read: number;
  migrated: number;
  linked: number;
  rejected: number;
  missing: number;
  differing: number;
  /** The same `_id` more than once. */
  repeated: number;
  rejects: Partial<Record<RejectReason, number>>;
}

export interface ValidationOptions {
  /** Calls compared field by field. */
  sample: number;
  /** 0 to below 1. */
  random: () => number;
  /** Monotonic, ms. */
  clock: () => number;
}

/** Of ids and differences the report names this many. */
const namedMax = 20;

/**
 * Reads the source again from the beginning and holds it against the database: every document against its call, the
 * counts of both sides, a random sample field by field, and what must not be. Memory does not grow with the source.
 */
export async function validate(
  client: ClientBase,
  source: Source,
  context: MappingContext,
  bounds: Bounds,
  options: ValidationOptions,
  hooks: RunHooks,
): Promise<ValidationReport> {
  await client.query("DROP TABLE IF EXISTS mongo_expected");
  await client.query(EXPECTED_TABLE);
  try {
    const pass = await readAgain(client, source, context, bounds, options, hooks);
    await client.query("ANALYZE mongo_expected");
    return await report(client, pass, options);
  } finally {
    await client.query("DROP TABLE IF EXISTS mongo_expected").catch(() => undefined);
  }
}

interface Pass {
  documents: Documents;
  missing: string[];
  differing: string[];
  sample: Reservoir;
}

async function readAgain(
  client: ClientBase,
  source: Source,
  context: MappingContext,
  bounds: Bounds,
  options: ValidationOptions,
  hooks: RunHooks,
): Promise<Pass> {
  const pass: Pass = { documents: noDocuments(), missing: [], differing: [], sample: new Reservoir(options) };
  for await (const { batch, bytesRead } of mapped(source, null, context, bounds)) {
    await client.query(
      "BEGIN; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off",
    );
    const checked = await checkBatch(client, batch.groups, context);
    await client.query("COMMIT");
    note(pass, batch.documents, batch.groups.flatMap((group) => group.facts).length, batch.rejects, checked);
    const { read } = pass.documents;
    const part = partOf(source, { ...noCounts(), documents: read }, bytesRead);
    hooks.onProgress({ documents: read, part, counts: noCounts() });
    hooks.stop.throwIfAborted();
  }
  return pass;
}

function note(
  pass: Pass,
  read: number,
  grouped: number,
  rejects: readonly { reason: RejectReason }[],
  checked: Awaited<ReturnType<typeof checkBatch>>,
): void {
  const { documents } = pass;
  documents.read += read;
  documents.rejected += rejects.length;
  documents.repeated += read - grouped - rejects.length;
  documents.missing += checked.missing.length;
  documents.differing += checked.differing.length;
  for (const [reason, count] of Object.entries(countWords(rejects.map((one) => one.reason)))) {
    const key = reason as RejectReason;
    documents.rejects[key] = (documents.rejects[key] ?? 0) + count;
  }
  pass.missing.push(...checked.missing.slice(0, namedMax - pass.missing.length));
  pass.differing.push(...checked.differing.slice(0, namedMax - pass.differing.length));
  for (const call of checked.calls) pass.sample.offer(call);
}

async function report(client: ClientBase, pass: Pass, options: ValidationOptions): Promise<ValidationReport> {
  const { rows } = await client.query<{ migrated: number; linked: number }>(
    `SELECT coalesce(sum(documents) FILTER (WHERE NOT linked), 0)::float8 AS migrated,
       coalesce(sum(documents) FILTER (WHERE linked), 0)::float8 AS linked FROM mongo_expected`,
  );
  const documents = { ...pass.documents, migrated: rows[0]?.migrated ?? 0, linked: rows[0]?.linked ?? 0 };
  const { totals, breakdown } = await tallies(client);
  const wrong = await wrongs(client);
  const differences: Difference[] = [];
  for (const { id, row } of pass.sample.chosen) differences.push(...(await compareCall(client, id, row)));
  const queries = await runQueries(client, options.clock);
  const uneven = [...totals, ...breakdown, ...wrong].some(({ expected, found }) => expected !== found);
  const failed = queries.some(({ failure }) => failure !== null);
  return {
    ok: !uneven && !failed && differences.length === 0 && accounted(documents),
    documents,
    totals,
    breakdown,
    wrongs: wrong,
    missing: pass.missing,
    differing: pass.differing,
    sample: { calls: pass.sample.chosen.length, differences: differences.slice(0, namedMax) },
    queries,
  };
}

/** Every document read is in a call, linked, rejected or a repetition. */
function accounted(documents: Documents): boolean {
  const { read, migrated, linked, rejected, repeated, missing, differing } = documents;
  return missing === 0 && differing === 0 && read === migrated + linked + rejected + repeated;
}

function noDocuments(): Documents {
  const none = { read: 0, migrated: 0, linked: 0, rejected: 0, missing: 0, differing: 0, repeated: 0 };
  return { ...none, rejects: {} };
}

/** A fair choice of a few out of many that come one by one. */
class Reservoir {
  readonly chosen: { id: number; row: CallRow }[] = [];
  readonly #size: number;
  readonly #random: () => number;
  #offered = 0;

  constructor({ sample, random }: ValidationOptions) {
    this.#size = sample;
    this.#random = random;
  }

  offer(call: { id: number; row: CallRow }): void {
    this.#offered++;
    if (this.chosen.length < this.#size) this.chosen.push(call);
    else {
      const place = Math.floor(this.#random() * this.#offered);
      if (place < this.#size) this.chosen[place] = call;
    }
  }
}
