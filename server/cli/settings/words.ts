import { Refused } from "../context.ts";
import type { Messages } from "../messages.ts";
import { isTable } from "./part.ts";

const WORD = /^(?<path>[a-z_]+(?:\.[A-Za-z0-9_+*#-]+){0,4})=(?<value>[\s\S]+)$/;

/** `webhook.crm.url=https://...` becomes {webhook: {crm: {url: "https://..."}}}. @throws Refused */
export function readSettingWords(words: readonly string[], say: Messages): Record<string, unknown> {
  const tables: Record<string, unknown> = {};
  for (const word of words) {
    const { path, value } = WORD.exec(word)?.groups ?? {};
    // Not shown beyond the name: a secret may be in it.
    if (path === undefined || value === undefined) throw new Refused(say.notASetting(word.split("=")[0] ?? ""));
    put(tables, path.split("."), value.trim());
  }
  return tables;
}

function put(tables: Record<string, unknown>, [first = "", ...rest]: string[], value: string): void {
  if (rest.length === 0) {
    tables[first] = value;
    return;
  }
  const table = isTable(tables[first]) ? tables[first] : {};
  tables[first] = table;
  put(table, rest, value);
}
