import { ConfigurationError, EXIT } from "../../shared/errors.ts";
import { findAsterisk, refuseForeignUser } from "../install/asterisk.ts";
import { readAdded } from "../install/record.ts";
import { CONFIG, installSteps } from "../install/steps.ts";
import { System } from "../install/system.ts";
import { removals } from "../install/uninstall.ts";
import { plainHttpAllowed } from "../settings.ts";
import type { CommonOptions, Context } from "./context.ts";
import { onDoctor } from "./look-commands.ts";

export interface InstallFlags extends CommonOptions {
  server: string;
  code: string;
  caFile?: string;
  allowPlainHttp?: boolean;
  root?: string;
  dryRun?: boolean;
}

/** Shows each step, does it, and ends with the doctor. With --dry-run nothing is done. */
export async function onInstall(context: Context, flags: InstallFlags): Promise<number> {
  const { ports, voice } = context;
  const { words, paint } = voice;
  const dry = flags.dryRun === true;
  refusePlainHttp(flags);
  const system = new System(flags.root ?? "");
  if (!dry && !isRoot(context)) return EXIT.critical;
  const asterisk = findAsterisk(system.root);
  refuseForeignUser(asterisk);
  const options = {
    server: flags.server,
    code: flags.code,
    caFile: flags.caFile,
    allowPlainHttp: flags.allowPlainHttp === true,
  };
  const work = { system, asterisk, options, added: readAdded(system) };
  for (const step of installSteps(work)) {
    const about = `${words.steps[step.name]} ${step.on}`;
    if (step.done) ports.print(`${paint("skip", words.step.already)}  ${about}`);
    else ports.print(`${dry ? words.step.would : words.step.doing}  ${about}`);
    if (!step.done && !dry) await step.run();
  }
  if (dry) return EXIT.ok;
  ports.print("");
  return onDoctor(context, { config: system.path(CONFIG), ...(flags.root === undefined ? {} : { root: flags.root }) });
}

export async function onUninstall(
  context: Context,
  flags: CommonOptions & { root?: string; purge?: boolean; dryRun?: boolean },
): Promise<number> {
  const { ports, voice } = context;
  const dry = flags.dryRun === true;
  if (!dry && !isRoot(context)) return EXIT.critical;
  const all = removals(new System(flags.root ?? ""), flags.purge === true);
  if (all.length === 0) ports.print(voice.words.nothingInstalled);
  for (const removal of all) {
    const { would, doing } = voice.words.step;
    ports.print(`${dry ? would : doing}  ${voice.words.removals[removal.name]} ${removal.on}`);
    if (!dry) removal.run();
  }
  return EXIT.ok;
}

function isRoot({ ports, voice }: Context): boolean {
  if (process.getuid?.() === 0) return true;
  ports.complain(voice.words.notRoot);
  return false;
}

function refusePlainHttp({ server, allowPlainHttp }: InstallFlags): void {
  if (plainHttpAllowed(server, allowPlainHttp === true)) return;
  const allowed = "https://host[:port]; http:// only to this machine, or with --allow-plain-http";
  throw new ConfigurationError([{ setting: "--server", found: server, allowed }]);
}
