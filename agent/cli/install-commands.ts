import { statSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigurationError, EXIT } from "../../shared/errors.ts";
import { findAsterisk, refuseForeignUser } from "../install/asterisk.ts";
import { readAdded } from "../install/record.ts";
import type { AgentStatus } from "../control/agent-status.ts";
import { askStatusUntil } from "../control/ask.ts";
import { CONFIG, installSteps, OUTBOX, type Step, type StepName } from "../install/steps.ts";
import { System } from "../install/system.ts";
import { removals, type Removal, type RemovalName } from "../install/uninstall.ts";
import { plainHttpAllowed, SETTINGS } from "../settings.ts";
import { sayRefused, type CommonOptions, type Context } from "./context.ts";
import { checksForPrograms, examine } from "./look-commands.ts";
import { sayError } from "./phrases/phrases.ts";
import { viewChecks } from "./views.ts";
import type { Voice } from "./voice.ts";

const START_MS_MAX = 10_000;
const OTHERS_READ = 0o004;

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
  const dry = flags.dryRun === true;
  const say = (line: string) => (flags.json === true ? undefined : ports.print(line));
  refuseServer(flags);
  const caFile = flags.caFile === undefined ? undefined : readableAuthority(flags.caFile);
  const system = new System(flags.root ?? "");
  if (!dry && !isRoot(context, flags)) return EXIT.critical;
  const asterisk = findAsterisk(system.root);
  refuseForeignUser(asterisk);
  const options = {
    server: flags.server,
    code: flags.code,
    caFile,
    allowPlainHttp: flags.allowPlainHttp === true,
  };
  const work = { system, asterisk, options, added: readAdded(system) };
  const steps = await doSteps(installSteps(work), dry, voice, say);
  if (dry) return endOfInstall(context, flags, { steps, doctor: null });
  if (system.hasSystemd) await untilRunning();
  const { level, checks } = await examine(context, { config: system.path(CONFIG), root: system.root });
  say(`\n${viewChecks(checks, voice)}`);
  endOfInstall(context, flags, { steps, doctor: checksForPrograms(level, checks, context) });
  return EXIT[level];
}

interface ToldStep {
  step: StepName;
  on: string;
  state: "would" | "done" | "already" | "not_here";
}

async function doSteps(
  steps: readonly Step[],
  dry: boolean,
  { words, paint }: Voice,
  say: (line: string) => void,
): Promise<ToldStep[]> {
  const told: ToldStep[] = [];
  for (const step of steps) {
    const about = `${words.steps[step.name]} ${step.on}`;
    if (step.notHere === true) say(`${paint("warn", words.step.notHere)}  ${about}. ${words.noSystemd}`);
    else if (step.done) say(`${paint("skip", words.step.already)}  ${about}`);
    else say(`${dry ? words.step.would : words.step.doing}  ${about}`);
    if (!step.done && !dry) await step.run();
    const left = step.notHere === true ? "not_here" : "already";
    told.push({ step: step.name, on: step.on, state: step.done ? left : dry ? "would" : "done" });
  }
  return told;
}

/** The service has been started just now: the doctor is to see it at work. When it does not come, the doctor says so. */
async function untilRunning(): Promise<void> {
  const isAtWork = (status: AgentStatus | null): boolean =>
    status !== null && status.ami.state !== "connecting" && status.server.state !== "connecting";
  await askStatusUntil(OUTBOX, isAtWork, START_MS_MAX);
}

function endOfInstall({ ports }: Context, { json }: InstallFlags, told: unknown): number {
  if (json === true) ports.print(JSON.stringify(told, null, 2));
  return EXIT.ok;
}

export async function onUninstall(
  context: Context,
  flags: CommonOptions & { root?: string; purge?: boolean; dryRun?: boolean },
): Promise<number> {
  const { ports, voice } = context;
  const dry = flags.dryRun === true;
  if (!dry && !isRoot(context, flags)) return EXIT.critical;
  const all = removals(new System(flags.root ?? ""), flags.purge === true);
  const say = (line: string) => (flags.json === true ? undefined : ports.print(line));
  if (all.length === 0) say(voice.words.nothingInstalled);
  const steps: { step: RemovalName; on: string; state: "would" | "done" | "failed" }[] = [];
  for (const removal of all) {
    const { would, doing } = voice.words.step;
    say(`${dry ? would : doing}  ${voice.words.removals[removal.name]} ${removal.on}`);
    const state = dry ? "would" : remove(removal, context);
    steps.push({ step: removal.name, on: removal.on, state });
  }
  if (flags.json === true) ports.print(JSON.stringify({ steps }, null, 2));
  return steps.some(({ state }) => state === "failed") ? EXIT.warning : EXIT.ok;
}

function remove(removal: Removal, { ports, voice }: Context): "done" | "failed" {
  try {
    removal.run();
    return "done";
  } catch (error) {
    if (removal.optional !== true) throw error;
    ports.complain(sayError(error, voice.language));
    return "failed";
  }
}

function isRoot(context: Context, { json }: CommonOptions): boolean {
  if (process.getuid?.() === 0) return true;
  sayRefused(context, json, "not_root", context.voice.words.notRoot);
  return false;
}

/** Before anything is done: what cannot be written into the settings, or would send the key in the clear. */
function refuseServer({ server, allowPlainHttp }: InstallFlags): void {
  if (SETTINGS.server.url.check(server) && plainHttpAllowed(server, allowPlainHttp === true)) return;
  const allowed = "https://host[:port]; http:// only to this machine, or with --allow-plain-http";
  throw new ConfigurationError([{ setting: "--server", found: server, allowed }]);
}

/** The service has a user and a working folder of its own: it needs the whole path of a file that all may read. */
function readableAuthority(file: string): string {
  const path = resolve(file);
  const allowed = "a PEM file that every user may read (chmod 644)";
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode !== undefined && (mode & OTHERS_READ) !== 0) return path;
  const found = mode === undefined ? `${path}: there is no such file` : `${path}: only some users may read it`;
  throw new ConfigurationError([{ setting: "--ca-file", found, allowed }]);
}
