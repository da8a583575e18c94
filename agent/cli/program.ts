import { Command, Option } from "commander";
import { ConfigurationError, EXIT, type SettingProblem } from "../../shared/errors.ts";
import { loadSettings, type Settings } from "../settings.ts";
import { AGENT_VERSION } from "../version.ts";
import { statusCommand } from "./status.ts";
import { LANGUAGES, TEXTS, type Language, type Texts } from "./texts.ts";

export interface ProgramPorts {
  env: Readonly<Record<string, string | undefined>>;
  /** Runs the agent until it is told to stop; resolves with the exit status. */
  run(settings: Settings): Promise<number>;
  print(text: string): void;
  complain(text: string): void;
}

interface Options {
  config?: string;
  lang: Language;
  json?: boolean;
}

/** Does what the arguments ask and resolves with the exit status. */
export async function runProgram(args: readonly string[], ports: ProgramPorts): Promise<number> {
  const texts = TEXTS[languageOf(args)];
  let exitStatus: number = EXIT.ok;
  const withSettings =
    (work: (settings: Settings, options: Options) => Promise<number>) => async (options: Options) => {
      exitStatus = await work(loadSettings(options.config, ports.env), options);
    };
  const program = describe(texts);
  command(program, "run", texts.run, texts).action(withSettings(ports.run));
  command(program, "status", texts.status, texts)
    .option("--json", texts.json)
    .action(
      withSettings(async (settings, options) => {
        const answer = await statusCommand(settings.outbox.path, options.json === true, texts);
        ports.print(answer.text);
        return answer.exitStatus;
      }),
    );
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitStatus;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    ports.complain(explain(error.problems, texts));
    return EXIT.configuration;
  }
}

function describe(texts: Texts): Command {
  return new Command("ringpost-agent")
    .description(texts.description)
    .version(AGENT_VERSION)
    .helpOption("-h, --help", texts.help)
    .helpCommand("help [command]", texts.helpCommand)
    .addHelpText("after", texts.examples)
    .showHelpAfterError();
}

function command(program: Command, name: string, description: string, texts: Texts): Command {
  return program
    .command(name)
    .description(description)
    .helpOption("-h, --help", texts.help)
    .option("--config <file>", texts.config)
    .addOption(new Option("--lang <language>", texts.lang).choices(LANGUAGES).default("en"))
    .addHelpText("after", texts.examples);
}

/** Wanted before the arguments are read, because help is in that language too. */
function languageOf(args: readonly string[]): Language {
  const text = args.join(" ");
  return (
    LANGUAGES.find((language) => text.includes(`--lang ${language}`) || text.includes(`--lang=${language}`)) ?? "en"
  );
}

function explain(problems: readonly SettingProblem[], texts: Texts): string {
  const lines = problems.map(({ setting, found, allowed }) => texts.problemLine(setting, found, allowed));
  return [texts.badConfiguration, ...lines].join("\n");
}
