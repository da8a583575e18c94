import { readFile } from "node:fs/promises";
import { CALL_STATUSES, CALL_TYPES, PARTICIPANT_STATUSES, STEP_TYPES } from "../../../shared/call.ts";
import { ConfigurationError, messageOf, type SettingProblem } from "../../../shared/errors.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { EnterpriseMap } from "./enterprise.ts";
import { EXTENSION_FIELDS, FIELDS, type ExtensionField, type Field, type Names } from "./fields.ts";
import { WORDS, withWords, type Words } from "./words.ts";

export interface Mapping {
  fields: Names<Field>;
  extensionFields: Names<ExtensionField>;
  words: Words;
}

export const DEFAULT_MAPPING: Mapping = { fields: FIELDS, extensionFields: EXTENSION_FIELDS, words: WORDS };

/**
 * An installation's own names and words: `{"fields": {"phone_number": "Caller"}, "extension_fields": {...},
 * "words": {"call_status": {"поговорили": "answered"}}}`. Names given replace ours for that field, words are added.
 * @throws ConfigurationError naming everything in it that cannot be used.
 */
export async function readMappingFile(path: string): Promise<Mapping> {
  const problems: SettingProblem[] = [];
  const file = await readJsonObject("--mapping", path);
  noOthers(file, ["fields", "extension_fields", "words"], path, problems);
  const words = part(file, "words", path, problems);
  noOthers(words, ["call_type", "call_status", "participant_status", "step"], `${path} words`, problems);
  const mapping = {
    fields: names(FIELDS, part(file, "fields", path, problems), `${path} fields`, problems),
    extensionFields: names(
      EXTENSION_FIELDS,
      part(file, "extension_fields", path, problems),
      `${path} extension_fields`,
      problems,
    ),
    words: {
      ...WORDS,
      callType: ownWords(WORDS.callType, CALL_TYPES, words, "call_type", path, problems),
      callStatus: ownWords(WORDS.callStatus, CALL_STATUSES, words, "call_status", path, problems),
      participantStatus: ownWords(
        WORDS.participantStatus,
        PARTICIPANT_STATUSES,
        words,
        "participant_status",
        path,
        problems,
      ),
      step: ownWords(WORDS.step, STEP_TYPES, words, "step", path, problems),
    },
  };
  if (problems.length > 0) throw new ConfigurationError(problems);
  return mapping;
}

/** `{"<old id, name or token>": "<enterprise id>", "*": "<for documents that name neither>"}`. */
export async function readEnterpriseMap(path: string): Promise<EnterpriseMap> {
  const file = await readJsonObject("--enterprise-map", path);
  const wrong = Object.entries(file).filter(([, id]) => typeof id !== "string" || id === "");
  if (wrong.length === 0) return file as EnterpriseMap;
  // A key may be a token: it is not shown.
  const found = `${wrong.length} entries whose value is no enterprise id`;
  throw new ConfigurationError([{ setting: `--enterprise-map ${path}`, found, allowed: '{"old": "0367"}' }]);
}

async function readJsonObject(option: string, path: string): Promise<JsonObject> {
  try {
    const parsed = JSON.parse(await readFile(path, "utf8")) as Json;
    if (isObject(parsed)) return parsed;
  } catch (error) {
    const found = error instanceof SyntaxError ? "no JSON" : messageOf(error);
    throw new ConfigurationError([{ setting: `${option} ${path}`, found, allowed: "a file with a JSON object" }]);
  }
  throw new ConfigurationError([{ setting: `${option} ${path}`, found: "JSON, but no object", allowed: "an object" }]);
}

function part(file: JsonObject, name: string, path: string, problems: SettingProblem[]): JsonObject {
  const value = file[name] ?? {};
  if (isObject(value)) return value;
  problems.push({ setting: `${path} ${name}`, found: JSON.stringify(value), allowed: "an object" });
  return {};
}

function noOthers(object: JsonObject, known: readonly string[], where: string, problems: SettingProblem[]): void {
  for (const name of Object.keys(object).filter((name) => !known.includes(name))) {
    problems.push({ setting: `${where} ${name}`, found: "a name that means nothing", allowed: known.join(", ") });
  }
}

function names<F extends string>(base: Names<F>, own: JsonObject, where: string, problems: SettingProblem[]): Names<F> {
  noOthers(own, Object.keys(base), where, problems);
  const out: Record<string, readonly string[]> = { ...base };
  for (const [field, value] of Object.entries(own)) {
    const list = typeof value === "string" ? [value] : value;
    if (Array.isArray(list) && list.every((name) => typeof name === "string")) out[field] = list;
    else
      problems.push({
        setting: `${where} ${field}`,
        found: JSON.stringify(value),
        allowed: "a name or a list of names",
      });
  }
  return out as Names<F>;
}

function ownWords<T extends string>(
  base: ReadonlyMap<string, T>,
  allowed: readonly T[],
  words: JsonObject,
  name: string,
  path: string,
  problems: SettingProblem[],
): ReadonlyMap<string, T> {
  const own = part(words, name, `${path} words`, problems);
  const usable: Record<string, T> = {};
  for (const [word, value] of Object.entries(own)) {
    const ours = allowed.find((one) => one === value);
    if (ours !== undefined) usable[word] = ours;
    else
      problems.push({
        setting: `${path} words ${name} ${word}`,
        found: JSON.stringify(value),
        allowed: allowed.join(", "),
      });
  }
  return withWords(base, usable);
}
