import { Command, CommanderError, Help } from "commander";
import { ConfigurationError, describeProblem, EXIT, messageOf, RingpostError } from "../../shared/errors.ts";
import { FolderInUse } from "../store/embedded.ts";
import { parsers } from "./arguments.ts";
import { callsCommand } from "./calls.ts";
import { Refused, type Context, type Io } from "./context.ts";
import { coverageCommand } from "./coverage.ts";
import { downloadCommand } from "./download.ts";
import { deliveriesCommands } from "./deliveries.ts";
import { enterpriseCommands } from "./enterprise.ts";
import { enterpriseFileCommands } from "./enterprise-file.ts";
import { explainCommand } from "./explain.ts";
import { gapsCommand } from "./gaps.ts";
import { importCommand } from "./import.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { rebuildCommand } from "./rebuild.ts";
import { retentionCommand } from "./retention.ts";
import { siteCommands } from "./site.ts";
import { sqlCommand } from "./sql.ts";
import { migrateCommand, startCommand, type Serve } from "./start.ts";
import { statusCommand } from "./status.ts";
import { syncCommands } from "./sync.ts";
import { telegramCommands } from "./telegram.ts";

/** EX_USAGE of sysexits.h: the command line itself is wrong. */
const EXIT_USAGE = 64;
const COMMAND = "npm run -s server --";

/** Runs one command line (without node and script) and returns the exit status: 0, 1 refused or failed, 64 usage, 78 settings. */
export async function runCli(argv: readonly string[], io: Io, serve: Serve): Promise<number> {
  const say = messagesFor(langOf(argv), io.env);
  const program = buildProgram({ io, say }, serve);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return explain(error, { io, say });
  }
}

function buildProgram(context: Context, serve: Serve): Command {
  const { io, say } = context;
  const program = new Command("server")
    .description(say.about)
    .usage("[options] [command]")
    .option("--lang <lang>", say.optLang, parsers(say).lang)
    .option("--data-dir <dir>", say.optDataDir);
  startCommand(program, context, serve);
  migrateCommand(program, context);
  enterpriseFileCommands(enterpriseCommands(program, context), context);
  siteCommands(program, context);
  statusCommand(program, context);
  deliveriesCommands(program, context);
  telegramCommands(program, context);
  callsCommand(program, context);
  gapsCommand(program, context);
  coverageCommand(program, context);
  downloadCommand(program, context);
  syncCommands(program, context);
  retentionCommand(program, context);
  sqlCommand(program, context);
  explainCommand(program, context);
  rebuildCommand(program, context);
  importCommand(program, context);
  for (const command of withDescendants(program)) {
    command.exitOverride().helpCommand(false).helpOption("-h, --help", say.optHelp).configureHelp(helpStyle(say));
    command.configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: () => undefined,
    });
  }
  return program;
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

function helpStyle(say: Messages): Partial<Help> {
  const titles: Record<string, string> = {
    "Usage:": say.titleUsage,
    "Arguments:": say.titleArguments,
    "Options:": say.titleOptions,
    "Global Options:": say.titleGlobalOptions,
    "Commands:": say.titleCommands,
  };
  return {
    styleTitle: (title) => titles[title] ?? title,
    showGlobalOptions: true,
    commandUsage: (command) => new Help().commandUsage(command).replace(/^server/, COMMAND),
  };
}

/** Before anything is parsed, so that a wrong command line is told in the right language too. */
function langOf(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === "--lang" || word.startsWith("--lang="));
  return at < 0 ? undefined : (argv[at]?.split("=")[1] ?? argv[at + 1]);
}

function explain(error: unknown, { io, say }: Context): number {
  if (error instanceof CommanderError) return explainUsage(error, { io, say });
  if (error instanceof ConfigurationError) {
    for (const problem of error.problems) io.err(`${say.error}: ${describeProblem(problem)}`);
    return EXIT.configuration;
  }
  io.err(`${say.error}: ${wordsFor(error, say)}`);
  return EXIT.warning;
}

function wordsFor(error: unknown, say: Messages): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof FolderInUse) return say.inUse(error.dataDir, error.holder?.pid);
  return error instanceof RingpostError ? error.message : messageOf(error);
}

function explainUsage(error: CommanderError, { io, say }: Context): number {
  if (error.exitCode === 0) return EXIT.ok;
  if (error.code !== "commander.help") io.err(`${say.error}: ${usageWords(error, say)}\n${say.seeHelp(COMMAND)}`);
  return EXIT_USAGE;
}

/** Commander puts what is wrong in single quotes, its name first. */
function usageWords({ code, message }: CommanderError, say: Messages): string {
  const [first = ""] = [...message.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? "");
  switch (code) {
    case "commander.unknownCommand":
      return say.noSuchCommand(first);
    case "commander.unknownOption":
      return say.noSuchOption(first);
    case "commander.missingArgument":
      return say.missingArgument(first);
    case "commander.missingMandatoryOptionValue":
      return say.missingOption(first);
    case "commander.optionMissingArgument":
      return say.missingValue(first);
    case "commander.excessArguments":
      return say.tooMany(message.replace(/^.* but got \d+: /s, "").replace(/\.$/, ""));
    case "commander.invalidArgument":
      return wrongValue(message, say);
    default:
      return message.replace(/^error: /, "");
  }
}

const WRONG_OPTION = /^error: option '(?<name>.*?)' argument '(?<found>[\s\S]*)' is invalid\. (?<allowed>[\s\S]*)$/;
const WRONG_ARGUMENT =
  /^error: command-argument value '(?<found>[\s\S]*)' is invalid for argument '(?<name>.*?)'\. (?<allowed>[\s\S]*)$/;

function wrongValue(message: string, say: Messages): string {
  const groups = (WRONG_OPTION.exec(message) ?? WRONG_ARGUMENT.exec(message))?.groups;
  if (!groups) return message;
  return say.wrongValue(groups["name"] ?? "", groups["found"] ?? "", groups["allowed"] ?? "");
}
