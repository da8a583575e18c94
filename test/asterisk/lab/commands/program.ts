import { Command, Option } from "commander";
import { SCENARIOS } from "../scenarios/index.ts";
import { isRelease, RELEASES } from "../releases.ts";
import { loadCommand } from "./load.ts";
import { downCommand, statusCommand, upCommand } from "./lifecycle.ts";
import { playCommand, recordCommand } from "./plays.ts";
import { rightsCommand } from "./rights.ts";
import type { CommonOptions } from "./options.ts";

const EXAMPLES = `
Examples:
  npm run lab -- up                                  both PBXs, built when they are not there yet
  npm run lab -- play hunt_third_answers             one scenario on both, with what SIPp did
  npm run lab -- record queue_rrmemory --asterisk 22 a new capture with its truth in test/scenarios/22/
  npm run lab -- down                                stops both, nothing stays mounted or running
  npm run lab -- down --purge                        and removes their folders

Scenarios: ${SCENARIOS.map(({ name }) => name).join(", ")}
`;

/** The command line of the lab: `npm run lab -- ...`. */
export function labProgram(): Command {
  const program = new Command("lab")
    .description("Real Asterisk 16 and 22 with SIPp phones, on loopback only, in folders of the project's own")
    .addHelpText("after", EXAMPLES);
  add(program, "up", "start both PBXs (the first time they are built, about a minute)")
    .option("--timestamps", "Asterisk's timestampevents on", false)
    .action((options: RawOptions & { timestamps: boolean }) => upCommand(common(options), options.timestamps));
  add(program, "down", "stop them")
    .option("--purge", "remove their root folders too", false)
    .action((options: RawOptions & { purge: boolean }) => downCommand(common(options), options.purge));
  add(program, "status", "what runs, where, and what it listens on").action((options: RawOptions) =>
    statusCommand(common(options)),
  );
  add(program, "play", "play one scenario and tell what SIPp did")
    .argument("<scenario>")
    .action((name: string, options: RawOptions) => playCommand(common(options), name));
  add(program, "record", "play a scenario and keep AMI, CDR, CEL and the truth in test/scenarios/")
    .argument("<scenario>")
    .option("--as <name>", "folder name of the new capture")
    .action((name: string, options: RawOptions & { as?: string }) => recordCommand(common(options), name, options.as));
  add(program, "rights", "measure what AMI read classes and eventfilter lines cost and hide").action(
    (options: RawOptions) => rightsCommand(common(options)),
  );
  add(program, "load", "the highest call rate this machine carries, with and without the agent")
    .option("--seconds <n>", "length of each run", "20")
    .action((options: RawOptions & { seconds: string }) => loadCommand(common(options), Number(options.seconds)));
  return program;
}

interface RawOptions {
  asterisk?: string;
  json: boolean;
}

function add(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(new Option("--asterisk <release>", "only this one").choices([...RELEASES]))
    .option("--json", "machine-readable", false);
}

function common({ asterisk, json }: RawOptions): CommonOptions {
  return { releases: asterisk !== undefined && isRelease(asterisk) ? [asterisk] : [...RELEASES], json };
}
