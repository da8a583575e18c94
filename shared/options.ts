import { parse, TomlError } from "smol-toml";
import type { Static, TObject, TSchema } from "typebox";
import { Value } from "typebox/value";
import { ConfigurationError, messageOf, type SettingProblem } from "./errors.ts";

/**
 * Settings come from a TOML file of sections and from the environment, which wins.
 * The schema is an object of sections, each an object of leaves; every leaf may carry
 * `default`, `allowed` (what is allowed, in words) and `secret: true` (never shown).
 */
export interface OptionSources {
  /** Text of the TOML file; absent when everything comes from the environment. */
  toml?: string;
  env: Readonly<Record<string, string | undefined>>;
  /** `RINGPOST_AGENT_` makes `[server] url` the variable RINGPOST_AGENT_SERVER_URL. */
  envPrefix: string;
}

interface Leaf {
  section: string;
  name: string;
  variable: string;
  schema: TSchema;
  required: boolean;
}

interface LeafNotes {
  type?: string;
  default?: unknown;
  allowed?: string;
  secret?: boolean;
}

type Tree = Record<string, unknown>;

/**
 * Reads, checks and completes settings.
 * @throws ConfigurationError naming every setting that is wrong, missing or unknown.
 */
export function readOptions<T extends TObject>(schema: T, sources: OptionSources): Static<T> {
  const problems: SettingProblem[] = [];
  const leaves = leavesOf(schema, sources.envPrefix);
  const file = parseToml(sources.toml ?? "");
  problems.push(...unknownInFile(file, leaves), ...unknownInEnv(sources, leaves));
  const result: Tree = {};
  for (const leaf of leaves) {
    const section = (result[leaf.section] ??= {}) as Tree;
    const outcome = readLeaf(leaf, file, sources.env);
    if ("problem" in outcome) problems.push(outcome.problem);
    else if (outcome.value !== undefined) section[leaf.name] = outcome.value;
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return result as Static<T>;
}

function leavesOf(schema: TObject, envPrefix: string): Leaf[] {
  return Object.entries(schema.properties).flatMap(([section, sectionSchema]) => {
    const { properties, required = [] } = sectionSchema as TObject;
    return Object.entries(properties).map(([name, leaf]) => ({
      section,
      name,
      variable: `${envPrefix}${section}_${name}`.toUpperCase(),
      schema: leaf as TSchema,
      required: (required as readonly string[]).includes(name),
    }));
  });
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
  const notes = leaf.schema as LeafNotes;
  const variable = env[leaf.variable];
  const section = file[leaf.section];
  const inFile = isTree(section) ? section[leaf.name] : undefined;
  const raw = variable === undefined ? inFile : fromText(variable, notes.type);
  const setting = variable === undefined ? `[${leaf.section}] ${leaf.name}` : leaf.variable;
  const value = raw ?? notes.default;
  if (value === undefined) {
    if (!leaf.required) return { value };
    return { problem: { setting, found: "nothing", allowed: `${allowedOf(leaf.schema)} (or set ${leaf.variable})` } };
  }
  if (Value.Check(leaf.schema, value)) return { value };
  const found = notes.secret === true ? "a value that is not shown" : shown(variable ?? value);
  return { problem: { setting, found, allowed: allowedOf(leaf.schema) } };
}

/** Text of a variable as the leaf's type; text that does not fit stays text and fails the check. */
function fromText(text: string, type: string | undefined): unknown {
  if ((type === "integer" || type === "number") && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function allowedOf(schema: TSchema): string {
  const { allowed, type } = schema as LeafNotes;
  return allowed ?? type ?? JSON.stringify(schema);
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
