import { existsSync } from "node:fs";
import { ConfigurationError } from "../../shared/errors.ts";
import { CONFIG } from "../install/steps.ts";
import { ENV_PREFIX, loadSettings, type Settings } from "../settings.ts";
import type { Language } from "./texts.ts";
import type { Voice } from "./voice.ts";

export interface ProgramPorts {
  env: Readonly<Record<string, string | undefined>>;
  /** Runs the agent until it is told to stop; resolves with the exit status. */
  run(settings: Settings): Promise<number>;
  print(text: string): void;
  complain(text: string): void;
  /** Whether what is printed is read on a terminal. */
  terminal: boolean;
  /** How wide that terminal is; infinite when there is none. */
  columns: number;
  /** Aborted when the person has had enough. */
  enough(): AbortSignal;
}

export interface CommonOptions {
  config?: string;
  lang?: Language;
  json?: boolean;
}

/** What every command has at hand. */
export interface Context {
  ports: ProgramPorts;
  voice: Voice;
  configFile(options: CommonOptions): string | undefined;
  settings(options: CommonOptions): Settings;
}

export function makeContext(ports: ProgramPorts, voice: Voice): Context {
  const configFile = ({ config }: CommonOptions) => config ?? (existsSync(CONFIG) ? CONFIG : undefined);
  const settings = (options: CommonOptions) => {
    const file = configFile(options);
    if (file === undefined && !Object.keys(ports.env).some((name) => name.startsWith(ENV_PREFIX))) throw notInstalled();
    return loadSettings(file, ports.env);
  };
  return { ports, voice, configFile, settings };
}

/** What a command could not do: for people beside its output, with --json an object instead of it. */
export function sayRefused({ ports }: Context, json: boolean | undefined, error: string, message: string): void {
  if (json === true) ports.print(JSON.stringify({ error, message }, null, 2));
  else ports.complain(message);
}

function notInstalled(): ConfigurationError {
  const allowed = "what `ringpost-agent install --server URL --code CODE` writes, or another file by --config";
  return new ConfigurationError([{ setting: CONFIG, found: "there is no such file", allowed }]);
}
