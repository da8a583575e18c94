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
import type { Messages } from "./messages.ts";

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
  const { say } = context;
  const words = say.importing;
  const parse = parsers(say);
  program
    .command("import")
    .description(words.about)
    .command("mongo")
    .description(words.aboutMongo)
    .argument("[path]", words.argPath)
    .option("--uri <uri>", words.optUri(URI_VARIABLE))
    .option("--db <name>", words.optDb)
    .option("--collection <name>", words.optCollection)
    .option("--archive <file>", words.optArchive)
    .option("--batch <documents>", words.optBatch, parse.number(1, batchMax), 5_000)
    .option("--batch-bytes <megabytes>", words.optBatchBytes, parse.number(1, batchMegabytesMax), 32)
    .option("--resume", words.optResume, true)
    .option("--no-resume", words.optNoResume)
    .option("--dry-run", words.optDryRun)
    .option("--validate", words.optValidate)
    .option("--retry-rejects [file]", words.optRetryRejects)
    .option("--enterprise-map <file>", words.optEnterpriseMap)
    .option("--mapping <file>", words.optMapping)
    .option("--no-make-enterprises", words.optNoMakeEnterprises)
    .option("--timezone <zone>", words.optTimezone, parse.timezone, "UTC")
    .option("--rejects <file>", words.optRejects, "mongo-rejects.ndjson")
    .option("--sample <calls>", words.optSample, parse.number(0, sampleMax), 500)
    .option("--report <file>", words.optReport)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, EXAMPLES))
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
  const { io, say } = context;
  const terminal = process.stderr.isTTY && flags.json !== true;
  const write = (text: string): void => void process.stderr.write(text);
  const shower = new ProgressShower(say, { terminal, write, clock: () => performance.now() });
  const settings = await readSettings(flags, say);
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
    io.out(flags.json === true || !process.stdout.isTTY ? json : reportText(outcome, say));
    judge(outcome, say);
  } finally {
    await source.close();
  }
}

type Settings = Omit<Parameters<typeof runSession>[0], "databaseUrl" | "source">;

async function readSettings(flags: ImportFlags, say: Messages): Promise<Settings> {
  return {
    mode: modeOf(flags, say),
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

function modeOf({ dryRun, validate, retryRejects }: ImportFlags, { importing }: Messages): Mode {
  const modes: Mode[] = [];
  if (dryRun === true) modes.push("dry-run");
  if (validate === true) modes.push("validate");
  if (retryRejects !== undefined) modes.push("retry-rejects");
  if (modes.length <= 1) return modes[0] ?? "import";
  const found = modes.map((mode) => `--${mode}`).join(` ${importing.and} `);
  throw new ConfigurationError([{ setting: "import mongo", found, allowed: importing.allowedMode }]);
}

async function openSource(path: string | undefined, flags: ImportFlags, { io, say }: Context): Promise<Source> {
  const { db, collection } = flags;
  const file = path ?? flags.archive;
  if (file !== undefined) return openFileSource({ path: file, db, collection });
  const uri = flags.uri ?? io.env[URI_VARIABLE];
  if (uri === undefined || uri === "") throw new Refused(say.importing.nameSource(URI_VARIABLE));
  if (db === undefined || collection === undefined) throw new Refused(say.importing.nameCollection);
  const onRetry = (why: string, tries: number): void => io.err(JSON.stringify({ type: "retry", why, tries }));
  // The driver is large; no other command needs it.
  const { openLiveSource } = await import("../mongo/source/live.ts");
  return openLiveSource({ uri, db, collection }, { ...RETRY, sleep: (ms) => sleep(ms), onRetry });
}

/** Exit status 1 for what somebody has to look at. */
function judge({ stopped, validation, mode, counts }: Outcome, { importing }: Messages): void {
  if (stopped) throw new Refused(importing.stopped);
  if (validation?.ok === false) throw new Refused(importing.doesNotAddUp);
  if (mode === "dry-run" && counts.documents > 0 && counts.migrated === 0) {
    throw new Refused(importing.nothingMapped);
  }
}
