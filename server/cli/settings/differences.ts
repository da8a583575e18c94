import { isTable } from "./part.ts";

const SECRET = /(^|\.)(secret|token)$/;

/** What differs between two tables, a line each: `webhook.crm.url: "a" -> "b"`. Secrets are not shown. */
export function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isTable(before) || isTable(after)) {
    const [left, right] = [isTable(before) ? before : {}, isTable(after) ? after : {}];
    const fields = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return fields.flatMap((field) => differences(left[field], right[field], path === "" ? field : `${path}.${field}`));
  }
  const [left, right] = [JSON.stringify(before), JSON.stringify(after)];
  if (left === right) return [];
  if (SECRET.test(path)) return [`${path}: ***`];
  return [`${path}: ${left ?? "-"} -> ${right ?? "-"}`];
}
