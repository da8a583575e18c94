/** A value as JSON has it; documents are kept and mapped in this one form, whatever they were read from. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The value at a path: a plain key first, then dots as steps into objects and list positions.
 * undefined when nothing is there.
 */
export function at(document: JsonObject, path: string): Json | undefined {
  if (Object.hasOwn(document, path)) return document[path];
  if (!path.includes(".")) return undefined;
  let value: Json | undefined = document;
  for (const step of path.split(".")) {
    if (Array.isArray(value)) value = value[Number(step)];
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step];
    else return undefined;
  }
  return value;
}

/** JSON with the keys of every object in order: equal documents give equal text, however PostgreSQL ordered them. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(",")}}`;
}
