import { storable as escaped } from "../../ingest/storable.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";

/**
 * One form for all sources: Extended JSON v2, relaxed where nothing is lost by it. Numbers that a double holds
 * exactly are plain numbers; the rest keeps its `$` wrapper. What BSON and both versions of Extended JSON say of
 * the same document comes out equal.
 */
export function normalDocument(value: unknown): JsonObject | undefined {
  const normal = normalize(value);
  return isObject(normal) ? normal : undefined;
}

export function normalize(value: unknown): Json {
  switch (typeof value) {
    case "string":
      return storable(value);
    case "number":
      return Number.isFinite(value) ? value : { $numberDouble: doubleWord(value) };
    case "boolean":
      return value;
    case "bigint":
      return normalLong(value);
    case "object":
      return value === null ? null : normalObject(value);
    default:
      return { $undefined: true };
  }
}

function normalObject(value: object): Json {
  if (Array.isArray(value)) return value.map(normalize);
  if (value instanceof Date) return { $date: dateWord(value.getTime()) };
  if ("_bsontype" in value && typeof value._bsontype === "string") return normalBson(value._bsontype, value);
  const entries = Object.entries(value);
  const first = entries[0]?.[0];
  if (first?.startsWith("$") === true) {
    const wrapped = unwrap(first, value as Record<string, unknown>, entries.length);
    if (wrapped !== undefined) return wrapped;
  }
  const out: JsonObject = {};
  for (const [key, inner] of entries) define(out, storable(key), normalize(inner));
  return out;
}

/** Almost every text is fine as it is; a look is cheaper than a replacement. */
function storable(text: string): string {
  return text.isWellFormed() && !text.includes("\0") && !text.includes("\ufdd0") ? text : escaped(text);
}

/** Plain assignment to `__proto__` would lose the field. */
function define(out: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") out[key] = value;
  else Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A type that is only in BSON tells its own Extended JSON; that is brought to the normal form like any other. */
function normalBson(type: string, value: object): Json {
  if (type === "ObjectId" || type === "ObjectID") return { $oid: String(value) };
  if (type === "Decimal128") return { $numberDecimal: String(value) };
  if ("toExtendedJSON" in value && typeof value.toExtendedJSON === "function") {
    return normalize(value.toExtendedJSON({ relaxed: false }));
  }
  return storable(String(value));
}

type Wrapped = (value: Record<string, unknown>) => Json | undefined;

/** Extended JSON, v2 and the v1 that older tools wrote. undefined: not of that form after all, an object like any other. */
const WRAPPERS: Readonly<Record<string, Wrapped>> = {
  $date: ({ $date }) => normalDate($date),
  $oid: ({ $oid }) => (typeof $oid === "string" ? { $oid: $oid.toLowerCase() } : undefined),
  $numberInt: ({ $numberInt }) => plainNumber($numberInt),
  $numberLong: ({ $numberLong }) => (isInteger($numberLong) ? normalLong(BigInt($numberLong)) : undefined),
  $numberDouble: ({ $numberDouble }) => plainNumber($numberDouble),
  $numberDecimal: ({ $numberDecimal }) =>
    typeof $numberDecimal === "string" ? { $numberDecimal: storable($numberDecimal) } : undefined,
  $binary: normalBinary,
  $regex: ({ $regex, $options }) =>
    typeof $regex === "string"
      ? { $regularExpression: { pattern: storable($regex), options: storable(String($options ?? "")) } }
      : undefined,
};

function unwrap(first: string, value: Record<string, unknown>, size: number): Json | undefined {
  if (size > 2) return undefined;
  return WRAPPERS[first]?.(value);
}

function normalDate(value: unknown): Json | undefined {
  const ms = dateMs(value);
  if (ms !== undefined) return { $date: dateWord(ms) };
  return typeof value === "string" ? { $date: storable(value) } : undefined;
}

function dateMs(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return parsedDate(value);
  if (typeof value !== "object" || value === null || !("$numberLong" in value)) return undefined;
  return isInteger(value.$numberLong) ? Number(value.$numberLong) : undefined;
}

/** mongoexport of old wrote `+0000` where ISO wants `+00:00`. */
function parsedDate(text: string): number | undefined {
  const ms = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(ms) ? undefined : ms;
}

/** Within the years 1 to 9999 ISO text; beyond, the number of milliseconds, as Extended JSON does. */
function dateWord(ms: number): Json {
  if (ms >= -62_135_596_800_000 && ms < 253_402_300_800_000) return new Date(ms).toISOString();
  return { $numberLong: String(ms) };
}

function normalLong(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : { $numberLong: String(value) };
}

function isInteger(value: unknown): value is string | number {
  return /^[+-]?\d{1,20}$/.test(typeof value === "number" || typeof value === "string" ? String(value) : "");
}

function plainNumber(value: unknown): Json | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const number = Number(value);
  if (Number.isFinite(number)) return number;
  return { $numberDouble: doubleWord(number) };
}

function doubleWord(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}

/** v1 wrote `{$binary: base64, $type: hex}`; v2 has both inside. */
function normalBinary({ $binary, $type }: Record<string, unknown>): Json | undefined {
  if (typeof $binary !== "string") return undefined;
  return { $binary: { base64: $binary, subType: String($type ?? "00").padStart(2, "0") } };
}
