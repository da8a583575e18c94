import { existsSync } from "node:fs";
import { CONFIG } from "../install/steps.ts";
import { loadSettings, type Settings } from "../settings.ts";
import type { Language } from "./texts.ts";
import type { Voice } from "./views.ts";

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
  return { ports, voice, configFile, settings: (options) => loadSettings(configFile(options), ports.env) };
}
