import { parse, TomlError } from "smol-toml";
import { ConfigurationError, messageOf, type SettingProblem } from "./errors.ts";

export interface OptionSources {
  /** Text of the TOML file; absent when everything comes from the environment. */
  toml?: string;
  env: Readonly<Record<string, string | undefined>>;
  /** `RINGPOST_AGENT_` makes `[server] url` the variable RINGPOST_AGENT_SERVER_URL. */
  envPrefix: string;
}

/** One setting: its type, what it may be (in words too), and what it is when nobody says. */
export interface Setting<T> {
  type: "text" | "whole" | "boolean";
  check: (value: unknown) => value is T;
  allowed: string;
  default?: T;
  /** Its value is never shown. */
  secret?: boolean;
}

/** Sections of settings, as in the file. A setting without a default must be given. */
export type Schema = Record<string, Record<string, Setting<unknown>>>;

export type Options<S extends Schema> = {
  [Section in keyof S]: { [Name in keyof S[Section]]: S[Section][Name] extends Setting<infer T> ? T : never };
};

interface Notes<T> {
  allowed: string;
  default?: T;
  secret?: boolean;
}

/** Text that matches `pattern`, at most `charactersMax` long. */
export function text(pattern: RegExp, notes: Notes<string> & { charactersMax?: number }): Setting<string> {
  const { charactersMax = 1_000, ...rest } = notes;
  const check = (value: unknown): value is string =>
    typeof value === "string" && value.length <= charactersMax && pattern.test(value);
  return { type: "text", check, ...rest };
}

/** A whole number within bounds, both included. `unit` completes the sentence: "a whole number of days". */
export function whole(min: number, max: number, unit: string, preset?: number): Setting<number> {
  const check = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  const allowed = `${unit}, ${min} to ${max}`;
  return { type: "whole", check, allowed, ...(preset === undefined ? {} : { default: preset }) };
}

export function yesOrNo(preset: boolean): Setting<boolean> {
  const check = (value: unknown): value is boolean => typeof value === "boolean";
  return { type: "boolean", check, allowed: "true or false", default: preset };
}

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[], preset: T): Setting<T> {
  const check = (value: unknown): value is T => words.some((word) => word === value);
  return { type: "text", check, allowed: words.join(", "), default: preset };
}

interface Leaf {
  section: string;
  name: string;
  variable: string;
  setting: Setting<unknown>;
}

type Tree = Record<string, unknown>;

/**
 * Reads, checks and completes settings: from a TOML file of sections and from the environment, which wins.
 * @throws ConfigurationError naming every setting that is wrong, missing or unknown.
 */
export function readOptions<S extends Schema>(schema: S, sources: OptionSources): Options<S> {
  const problems: SettingProblem[] = [];
  const leaves = leavesOf(schema, sources.envPrefix);
  const file = parseToml(sources.toml ?? "");
  problems.push(...unknownInFile(file, leaves), ...unknownInEnv(sources, leaves));
  const result: Tree = {};
  for (const leaf of leaves) {
    const section = (result[leaf.section] ??= {}) as Tree;
    const outcome = readLeaf(leaf, file, sources.env);
    if ("problem" in outcome) problems.push(outcome.problem);
    else section[leaf.name] = outcome.value;
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return result as Options<S>;
}

function leavesOf(schema: Schema, envPrefix: string): Leaf[] {
  return Object.entries(schema).flatMap(([section, settings]) =>
    Object.entries(settings).map(([name, setting]) => {
      return { section, name, variable: `${envPrefix}${section}_${name}`.toUpperCase(), setting };
    }),
  );
}

function parseToml(text: string): Tree {
  try {
    return parse(text);
  } catch (error) {
    const where = error instanceof TomlError ? `line ${error.line}` : "the file";
    const reason = messageOf(error).split("\n")[0] ?? "";
    throw new ConfigurationError([{ setting: "configuration file", found: `${where}: ${reason}`, allowed: "TOML" }]);
  }
}

function readLeaf(leaf: Leaf, file: Tree, env: OptionSources["env"]): { value: unknown } | { problem: SettingProblem } {
  const { type, check, allowed, secret } = leaf.setting;
  const variable = env[leaf.variable];
  const section = file[leaf.section];
  const inFile = isTree(section) ? section[leaf.name] : undefined;
  const value = (variable === undefined ? inFile : fromText(variable, type)) ?? leaf.setting.default;
  const setting = variable === undefined ? `[${leaf.section}] ${leaf.name}` : leaf.variable;
  if (value === undefined)
    return { problem: { setting, found: "nothing", allowed: `${allowed} (or set ${leaf.variable})` } };
  if (check(value)) return { value };
  return {
    problem: { setting, found: secret === true ? "a value that is not shown" : shown(variable ?? value), allowed },
  };
}

/** Text of a variable as the setting's type; text that does not fit stays text and fails the check. */
function fromText(given: string, type: Setting<unknown>["type"]): unknown {
  if (type === "whole" && /^-?\d+$/.test(given)) return Number(given);
  if (type === "boolean" && (given === "true" || given === "false")) return given === "true";
  return given;
}

function unknownInFile(file: Tree, leaves: readonly Leaf[]): SettingProblem[] {
  const sections = [...new Set(leaves.map((leaf) => leaf.section))];
  return Object.entries(file).flatMap(([section, value]) => {
    if (!sections.includes(section)) return [unknown(`[${section}]`, sections.map((name) => `[${name}]`).join(", "))];
    const names = leaves.filter((leaf) => leaf.section === section).map((leaf) => leaf.name);
    if (!isTree(value))
      return [{ setting: `[${section}]`, found: shown(value), allowed: `a section with ${names.join(", ")}` }];
    const strange = Object.keys(value).filter((name) => !names.includes(name));
    return strange.map((name) => unknown(`[${section}] ${name}`, names.join(", ")));
  });
}

function unknownInEnv({ env, envPrefix }: OptionSources, leaves: readonly Leaf[]): SettingProblem[] {
  const variables = leaves.map((leaf) => leaf.variable);
  const strange = Object.keys(env).filter((name) => name.startsWith(envPrefix) && !variables.includes(name));
  return strange.map((name) => unknown(name, variables.join(", ")));
}

function unknown(setting: string, allowed: string): SettingProblem {
  return { setting, found: "a setting that does not exist", allowed };
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

const SHOWN_CHARACTERS_MAX = 80;

function shown(value: unknown): string {
  const text = typeof value === "bigint" ? String(value) : JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text;
}
