import { Command, CommanderError, InvalidArgumentError, Option, type Help } from "commander";
import { ConfigurationError, EXIT, RingpostError } from "../../shared/errors.ts";
import { AGENT_VERSION } from "../version.ts";
import { makeContext, type CommonOptions, type Context, type ProgramPorts } from "./context.ts";
import { examplesOf } from "./examples.ts";
import { painter } from "./paint.ts";
import { say, sayError, saySettings } from "./phrases/phrases.ts";
import { LANGUAGES, TEXTS, type Language, type Texts } from "./texts.ts";
import { WORDS } from "./words/words.ts";

const LIST_MAX = 10_000;

/** Does what the arguments ask and resolves with the exit status. */
export async function runProgram(args: readonly string[], ports: ProgramPorts): Promise<number> {
  const language = languageOf(args, ports.env);
  const texts = TEXTS[language];
  const voice = { language, texts, words: WORDS[language], paint: painter(ports.terminal), columns: ports.columns };
  let exitStatus: number = EXIT.ok;
  const program = describe(makeContext(ports, voice), (status) => (exitStatus = status));
  if (args.length === 0) return (program.outputHelp(), EXIT.ok);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitStatus;
  } catch (error) {
    return failed(error, ports, { language, json: args.includes("--json") });
  }
}

/** With --json standard output has an object then too: `error` for programs, `message` for people. */
function failed(
  error: unknown,
  ports: ProgramPorts,
  { language, json }: { language: Language; json: boolean },
): number {
  // Commander has said it already: help that was asked for is 0.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  const known = error instanceof ConfigurationError;
  const message = known
    ? [TEXTS[language].badConfiguration, ...saySettings(error, language)].join("\n")
    : sayError(error, language);
  const tell = (code: string, more: object = {}) => {
    if (json) ports.print(JSON.stringify({ error: code, message, ...more }, null, 2));
    else if (!(error instanceof CommanderError)) ports.complain(message);
  };
  if (error instanceof CommanderError) return (tell("command_line"), EXIT.configuration);
  if (known) return (tell("configuration", { problems: error.problems }), EXIT.configuration);
  tell(error instanceof RingpostError ? error.code : "failed");
  return EXIT.critical;
}

type Ended = (exitStatus: number) => void;

function describe(context: Context, ended: Ended): Command {
  const { texts, language } = context.voice;
  const program = new Command("ringpost-agent")
    .description(texts.description)
    .configureHelp(helpIn(texts))
    .configureOutput({
      writeOut: (text) => context.ports.print(text.trimEnd()),
      writeErr: (text) => context.ports.complain(text.trimEnd()),
      outputError: (text, write) => write(say(text.trimEnd(), language).text),
    })
    .exitOverride()
    .version(AGENT_VERSION, "-V, --version", texts.versionOption)
    .helpOption("-h, --help", texts.help)
    .helpCommand("help [command]", texts.helpCommand)
    .addOption(new Option("--lang <language>", texts.lang).choices(LANGUAGES))
    .addHelpText("after", examplesOf("", texts))
    .showHelpAfterError(texts.seeHelp("ringpost-agent"));
  describeService(program, context, ended);
  describeLooks(program, context, ended);
  describeFiles(program, context, ended);
  describeInstallation(program, context, ended);
  return program;
}

/** Commander's own words in the person's language. */
function helpIn({ titles, usage, choices, preset }: Texts): Partial<Help> {
  const local = (text: string) => text.replace("[options]", usage.options).replace("[command]", usage.command);
  return {
    styleTitle: (title) => titles[title] ?? title,
    styleUsage: local,
    styleSubcommandTerm: local,
    optionDescription: ({ description, argChoices, defaultValue }) => {
      const more = [
        ...(argChoices === undefined ? [] : [choices(argChoices.join(", "))]),
        ...(defaultValue === undefined ? [] : [preset(String(defaultValue))]),
      ];
      return [description, ...more].join(" ");
    },
  };
}

function describeService(program: Command, context: Context, ended: Ended): void {
  const { texts } = context.voice;
  command(program, "run", texts.run, context).action(async (options: CommonOptions) =>
    ended(await context.ports.run(context.settings(options))),
  );
  const act = actor(context, ended);
  withJson(command(program, "status", texts.status, context), context)
    .option("--watch", context.voice.words.about.watch)
    .action(act(looks, "onStatus"));
}

function describeLooks(program: Command, context: Context, ended: Ended): void {
  const { about } = context.voice.words;
  const act = actor(context, ended);
  const looked = (parent: Command, name: string, text: string) =>
    withJson(command(parent, name, text, context), context);
  looked(program, "doctor", about.doctor).option("--root <folder>", about.root).action(act(looks, "onDoctor"));
  looked(program, "tail", about.tail).option("--calls", about.tailCalls).action(act(looks, "onTail"));
  looked(program, "calls", about.calls).option("--last <count>", about.last, count, 20).action(act(looks, "onCalls"));
  looked(program, "gaps", about.gaps).action(act(looks, "onGaps"));
  const outbox = looked(program, "outbox", about.outbox).action(act(looks, "onOutbox"));
  looked(outbox, "fsck", about.fsck).action(act(looks, "onFsck"));
}

function describeFiles(program: Command, context: Context, ended: Ended): void {
  const { about } = context.voice.words;
  const act = actor(context, ended);
  const file = (parent: Command, name: string, text: string) => withJson(command(parent, name, text, context), context);
  file(program, "logs", about.logs)
    .option("--lines <count>", about.lines, count, 100)
    .option("--file <file>", about.logFile)
    .action(act(files, "onLogs"));
  const { texts } = context.voice;
  const config = program
    .command("config")
    .description(about.config)
    .helpOption("-h, --help", texts.help)
    .addHelpText("after", examplesOf("config", texts));
  file(config, "check", about.configCheck).action(act(files, "onConfigCheck"));
  file(config, "show", about.configShow).action(act(files, "onConfigShow"));
  file(program, "diagnostics", about.diagnostics)
    .option("--output <file>", about.output)
    .option("--with-calls", about.withCalls)
    .option("--log <file>", about.logFile)
    .action(act(files, "onDiagnostics"));
  file(program, "version", about.version).action(act(files, "onVersion"));
  file(program, "self-test", about.selfTest).action(act(files, "onSelfTest"));
}

function describeInstallation(program: Command, context: Context, ended: Ended): void {
  const { about } = context.voice.words;
  const act = actor(context, ended);
  withJson(command(program, "install", about.install, context), context)
    .requiredOption("--server <url>", about.server)
    .requiredOption("--code <code>", about.code)
    .option("--ca-file <file>", about.caFile)
    .option("--allow-plain-http", about.plainHttp)
    .option("--root <folder>", about.root)
    .option("--dry-run", about.dryRun)
    .action(act(installation, "onInstall"));
  withJson(command(program, "uninstall", about.uninstall, context), context)
    .option("--purge", about.purge)
    .option("--root <folder>", about.root)
    .option("--dry-run", about.dryRun)
    .action(act(installation, "onUninstall"));
}

// Loaded when asked for: the running agent has no use for tables and zips.
const looks = () => import("./look-commands.ts");
const files = () => import("./file-commands.ts");
const installation = () => import("./install-commands.ts");

type Work = (context: Context, options: never) => Promise<number>;

/** Options of the parents count too: `outbox --json fsck` is `outbox fsck --json`. */
function actor(context: Context, ended: Ended) {
  return <Name extends string, Module extends Record<Name, Work>>(load: () => Promise<Module>, name: Name) =>
    async (_: unknown, command: Command) => {
      const work = (await load())[name];
      ended(await work(context, command.optsWithGlobals() as never));
    };
}

function command(parent: Command, name: string, description: string, { voice }: Context): Command {
  const { texts } = voice;
  return parent
    .command(name)
    .description(description)
    .helpOption("-h, --help", texts.help)
    .option("--config <file>", texts.config)
    .addOption(new Option("--lang <language>", texts.lang).choices(LANGUAGES))
    .addHelpText("after", examplesOf(name, texts))
    .showHelpAfterError(texts.seeHelp(`ringpost-agent ${name}`));
}

function withJson(command: Command, { voice }: Context): Command {
  return command.option("--json", voice.texts.json);
}

function count(text: string): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= LIST_MAX) return number;
  throw new InvalidArgumentError(`1 .. ${LIST_MAX}`);
}

/** Wanted before the arguments are read, because help is in that language too. */
function languageOf(args: readonly string[], env: ProgramPorts["env"]): Language {
  const text = args.join(" ");
  const asked = LANGUAGES.find(
    (language) => text.includes(`--lang ${language}`) || text.includes(`--lang=${language}`),
  );
  const locale = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return asked ?? LANGUAGES.find((language) => language === locale.split(/[_.@]/)[0]) ?? "en";
}
