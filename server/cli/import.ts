import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { ConfigurationError } from "../../shared/errors.ts";
import { DEFAULT_MAPPING, readEnterpriseMap, readMappingFile } from "../mongo/map/mapping-file.ts";
import { runSession, type Mode, type Outcome } from "../mongo/session.ts";
import { openFileSource } from "../mongo/source/files.ts";
import type { Source } from "../mongo/source/source.ts";
import { migrate } from "../store/migrate.ts";
import { parsers } from "./arguments.ts";
import { Refused, withDatabase, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { ProgressShower } from "./import-progress.ts";
import { reportText } from "./import-report.ts";

interface ImportFlags {
  uri?: string;
  db?: string;
  collection?: string;
  archive?: string;
  batch: number;
  batchBytes: number;
  resume: boolean;
  dryRun?: boolean;
  validate?: boolean;
  retryRejects?: string | true;
  enterpriseMap?: string;
  mapping?: string;
  makeEnterprises: boolean;
  timezone: string;
  rejects: string;
  sample: number;
  report?: string;
  json?: boolean;
}

const URI_VARIABLE = "RINGPOST_MONGO_URI";
const batchMax = 50_000;
const batchMegabytesMax = 1_024;
const sampleMax = 100_000;
const RETRY = { triesMax: 10, retryDelayMsMin: 200, retryDelayMsMax: 10_000 };
const MEGABYTE = 1024 * 1024;

/** `import mongo`: the old system's calls from a running MongoDB, a mongodump or a mongoexport. */
export function importCommand(program: Command, context: Context): void {
  const parse = parsers(context.say);
  program
    .command("import")
    .description("calls of the old system")
    .command("mongo")
    .description("calls from MongoDB: a running one, a dump folder, an archive, .bson files or exports")
    .argument("[path]", "dump folder, archive, .bson or export (also packed with gzip)")
    .option("--uri <uri>", `address of a running MongoDB; better in ${URI_VARIABLE}, where no other user sees it`)
    .option("--db <name>", "database")
    .option("--collection <name>", "collection")
    .option("--archive <file>", "the same as [path]")
    .option("--batch <documents>", "documents in one transaction", parse.number(1, batchMax), 5_000)
    .option("--batch-bytes <megabytes>", "and bytes of documents", parse.number(1, batchMegabytesMax), 32)
    .option("--resume", "go on where the last run stopped", true)
    .option("--no-resume", "read the source from the beginning; what is there is found again and renewed")
    .option("--dry-run", "read and map everything, write nothing")
    .option("--validate", "only hold the source against the database")
    .option("--retry-rejects [file]", "take rejects again: those kept, or the mended lines of a reject file")
    .option("--enterprise-map <file>", "JSON: old enterprise or token -> enterprise; * for documents without either")
    .option("--mapping <file>", "JSON: other names of fields, other words")
    .option("--no-make-enterprises", "reject documents of enterprises that are not registered")
    .option("--timezone <zone>", "time zone of enterprises that documents bring along", parse.timezone, "UTC")
    .option("--rejects <file>", "where documents that could not be used are written", "mongo-rejects.ndjson")
    .option("--sample <calls>", "calls compared field by field at validation", parse.number(0, sampleMax), 500)
    .option("--report <file>", "write the report there too, as JSON")
    .option("--json", context.say.optJson)
    .addHelpText("after", examples(context.say.examples, EXAMPLES))
    .action((path: string | undefined, flags: ImportFlags, command: Command) =>
      withDatabase(context, command, (url) => importMongo(path, flags, url, context), {}),
    );
}

const EXAMPLES = [
  "import mongo /backup/dump --db asterisk --collection calls --dry-run",
  "import mongo calls.archive.gz --enterprise-map enterprises.json",
  "import mongo --db asterisk --collection calls",
  "import mongo calls.json --validate --report report.json",
];

async function importMongo(
  path: string | undefined,
  flags: ImportFlags,
  databaseUrl: string,
  context: Context,
): Promise<void> {
  const { io } = context;
  const terminal = process.stderr.isTTY && flags.json !== true;
  const write = (text: string): void => void process.stderr.write(text);
  const shower = new ProgressShower({ terminal, write, clock: () => performance.now() });
  const settings = await readSettings(flags);
  await migrate(databaseUrl);
  const source = await openSource(path, flags, context);
  try {
    const outcome = await runSession(
      { ...settings, databaseUrl, source },
      { onProgress: (progress) => shower.show(progress), onPhase: (phase) => shower.begin(phase), stop: io.stop },
    );
    shower.end();
    const json = JSON.stringify({ type: "report", ...outcome });
    if (flags.report !== undefined) await writeFile(flags.report, `${json}\n`);
    io.out(flags.json === true || !process.stdout.isTTY ? json : reportText(outcome));
    judge(outcome);
  } finally {
    await source.close();
  }
}

type Settings = Omit<Parameters<typeof runSession>[0], "databaseUrl" | "source">;

async function readSettings(flags: ImportFlags): Promise<Settings> {
  return {
    mode: modeOf(flags),
    mapping: flags.mapping === undefined ? DEFAULT_MAPPING : await readMappingFile(flags.mapping),
    enterpriseMap: flags.enterpriseMap === undefined ? {} : await readEnterpriseMap(flags.enterpriseMap),
    make: flags.makeEnterprises ? { timezone: flags.timezone } : undefined,
    bounds: { documentsMax: flags.batch, bytesMax: flags.batchBytes * MEGABYTE },
    resume: flags.resume,
    rejectsFile: flags.rejects,
    retryFile: typeof flags.retryRejects === "string" ? flags.retryRejects : undefined,
    validation: { sample: flags.sample, random: Math.random, clock: () => performance.now() },
    sleep: (ms) => sleep(ms),
  };
}

function modeOf({ dryRun, validate, retryRejects }: ImportFlags): Mode {
  const modes: Mode[] = [];
  if (dryRun === true) modes.push("dry-run");
  if (validate === true) modes.push("validate");
  if (retryRejects !== undefined) modes.push("retry-rejects");
  if (modes.length <= 1) return modes[0] ?? "import";
  const found = modes.map((mode) => `--${mode}`).join(" and ");
  throw new ConfigurationError([{ setting: "import mongo", found, allowed: "one of them" }]);
}

async function openSource(path: string | undefined, flags: ImportFlags, { io }: Context): Promise<Source> {
  const { db, collection } = flags;
  const file = path ?? flags.archive;
  if (file !== undefined) return openFileSource({ path: file, db, collection });
  const uri = flags.uri ?? io.env[URI_VARIABLE];
  if (uri === undefined || uri === "") throw new Refused(`Name a path, or --uri (${URI_VARIABLE}).`);
  if (db === undefined || collection === undefined) throw new Refused("A running MongoDB needs --db and --collection.");
  const onRetry = (why: string, tries: number): void => io.err(JSON.stringify({ type: "retry", why, tries }));
  // The driver is large; no other command needs it.
  const { openLiveSource } = await import("../mongo/source/live.ts");
  return openLiveSource({ uri, db, collection }, { ...RETRY, sleep: (ms) => sleep(ms), onRetry });
}

/** Exit status 1 for what somebody has to look at. */
function judge({ stopped, validation, mode, counts }: Outcome): void {
  if (stopped) throw new Refused("Stopped. The same command goes on where it stopped.");
  if (validation?.ok === false) throw new Refused("The validation does not add up: see the report.");
  if (mode === "dry-run" && counts.documents > 0 && counts.migrated === 0) {
    throw new Refused("Not one document could be mapped: see the reasons.");
  }
}
