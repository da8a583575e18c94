import pg from "pg";
import type { JsonObject } from "./json.ts";
import type { Counts } from "./counts.ts";
import { rehearse, runImport, type Rehearsal, type RunHooks } from "./import.ts";
import { prepareLoading } from "./load/load.ts";
import { readDirectory } from "./load/directory.ts";
import { lockImports, openImport, restartImport, saveReport, type ImportState } from "./load/progress.ts";
import { countRejects } from "./load/rejects.ts";
import type { EnterpriseMap } from "./map/enterprise.ts";
import type { MappingContext } from "./map/document.ts";
import type { Mapping } from "./map/mapping-file.ts";
import { retryRejects, writeRehearsedRejects, writeRejects } from "./rejects.ts";
import type { Bounds, Source } from "./source/source.ts";
import { validate, type ValidationOptions, type ValidationReport } from "./validate/validate.ts";

export type Mode = "import" | "dry-run" | "validate" | "retry-rejects";

export interface SessionOptions {
  databaseUrl: string;
  source: Source;
  mode: Mode;
  mapping: Mapping;
  enterpriseMap: EnterpriseMap;
  /** Time zone of enterprises that documents bring along; undefined: none is made. */
  make: { timezone: string } | undefined;
  bounds: Bounds;
  resume: boolean;
  rejectsFile: string;
  /** Of --retry-rejects; undefined: those kept in the database. */
  retryFile: string | undefined;
  validation: ValidationOptions;
  sleep: (ms: number) => Promise<void>;
}

export interface SessionHooks extends RunHooks {
  onPhase(phase: "import" | "rehearse" | "retry" | "validate"): void;
}

export interface Outcome {
  source: string;
  mode: Mode;
  /** Stopped by the operator; the same command goes on. */
  stopped: boolean;
  /** Over all runs of this source. */
  counts: Counts;
  /** What waits in the reject file now, by reason. */
  rejects: Record<string, number>;
  rejectsFile: string | null;
  /** Customers a rehearsal would register. */
  wouldMake: Record<string, number> | null;
  validation: ValidationReport | null;
}

/** Long enough for PostgreSQL to notice that a killed import is gone. */
const lockWaitMsMax = 30_000;

/** One run of `import mongo`, from the connection to the report. */
export async function runSession(options: SessionOptions, hooks: SessionHooks): Promise<Outcome> {
  const client = new pg.Client({ connectionString: options.databaseUrl, application_name: "ringpost import" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const directory = await readDirectory(client, options.enterpriseMap, options.make);
    const context: MappingContext = { ...options.mapping, directory };
    if (options.mode === "dry-run") return await dryRun(options, context, hooks);
    return await writingRun(client, options, context, hooks);
  } finally {
    await client.end();
  }
}

async function dryRun(options: SessionOptions, context: MappingContext, hooks: SessionHooks): Promise<Outcome> {
  hooks.onPhase("rehearse");
  const { counts, made, rejects }: Rehearsal = await rehearse(options.source, context, options.bounds, hooks);
  await writeRehearsedRejects(rejects, options.rejectsFile);
  return {
    source: options.source.name,
    mode: options.mode,
    stopped: hooks.stop.aborted,
    counts,
    rejects: { ...counts.rejects },
    rejectsFile: rejects.length === 0 ? null : options.rejectsFile,
    wouldMake: made,
    validation: null,
  };
}

async function writingRun(
  client: pg.Client,
  options: SessionOptions,
  context: MappingContext,
  hooks: SessionHooks,
): Promise<Outcome> {
  const { source, mode } = options;
  await lockImports(client, lockWaitMsMax, options.sleep);
  await prepareLoading(client);
  const opened = await openImport(client, source.name, source.fingerprint);
  const state = await work(client, opened, options, context, hooks);
  const written = await writeRejects(client, state.id, options.rejectsFile);
  const stopped = hooks.stop.aborted;
  const validation =
    stopped || !(state.finished || mode === "validate") ? null : await check(client, options, context, hooks);
  const outcome: Outcome = {
    source: source.name,
    mode,
    stopped,
    counts: state.counts,
    rejects: { ...(await countRejects(client, state.id)) },
    rejectsFile: written === 0 ? null : options.rejectsFile,
    wouldMake: null,
    validation,
  };
  if (validation !== null) await saveReport(client, state.id, outcome as unknown as JsonObject);
  return outcome;
}

async function work(
  client: pg.Client,
  opened: ImportState,
  options: SessionOptions,
  context: MappingContext,
  hooks: SessionHooks,
): Promise<ImportState> {
  if (options.mode === "validate") return opened;
  if (options.mode === "retry-rejects") {
    hooks.onPhase("retry");
    return retryRejects(client, opened, context, options.retryFile);
  }
  hooks.onPhase("import");
  const { source, bounds } = options;
  const state = options.resume ? opened : await restartImport(client, opened.id, source.fingerprint);
  return runImport(client, source, state, context, bounds, hooks);
}

async function check(
  client: pg.Client,
  options: SessionOptions,
  context: MappingContext,
  hooks: SessionHooks,
): Promise<ValidationReport> {
  hooks.onPhase("validate");
  return validate(client, options.source, context, options.bounds, options.validation, hooks);
}
