import { messageOf } from "../../shared/errors.ts";
import type { Directory } from "../assemble/index.ts";

export interface EnterpriseSettings {
  timezone: string;
  extensions: string | null;
  trunks: string[];
  settings: unknown;
}

/** What assembly needs of an enterprise. An unusable pattern counts as none, and is told. */
export function readDirectory(row: EnterpriseSettings): { directory: Directory; problem: string | undefined } {
  const { extensions, problem } = readPattern(row.extensions);
  const names = readNames(row.settings);
  const directory: Directory = { timezone: row.timezone, extensions, trunks: new Set(row.trunks) };
  if (names.size > 0) directory.names = names;
  return { directory, problem };
}

function readPattern(pattern: string | null): { extensions: RegExp | null; problem: string | undefined } {
  if (pattern === null || pattern === "") return { extensions: null, problem: undefined };
  try {
    return { extensions: new RegExp(pattern), problem: undefined };
  } catch (error) {
    return { extensions: null, problem: `extensions: ${messageOf(error)}` };
  }
}

/** `settings.names`: {"150": {"name": "Reception", "department": "Front office"}}. */
function readNames(settings: unknown): Map<string, { name?: string; department?: string }> {
  const names = new Map<string, { name?: string; department?: string }>();
  const told = isObject(settings) && isObject(settings["names"]) ? settings["names"] : {};
  for (const [extension, who] of Object.entries(told)) {
    if (!isObject(who)) continue;
    const { name, department } = who;
    names.set(extension, {
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof department === "string" ? { department } : {}),
    });
  }
  return names;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
