/**
 * jsonb refuses two kinds of text that a PBX can send: NUL and lone surrogates. They are stored as U+FDD0 (a code point
 * Unicode keeps for such private use) followed by the character's four hex digits; U+FDD0 itself likewise, so that
 * `original` gives back exactly what came.
 */
const ESCAPE = "\uFDD0";
const REFUSED = /[\0\uFDD0\p{Surrogate}]/gu;
const STILL_REFUSED = /[\0\p{Surrogate}]/gu;
const ESCAPED = /\uFDD0([0-9A-F]{4})/g;

/** Text that PostgreSQL stores. */
export function storable(text: string): string {
  return text.replace(REFUSED, escaped);
}

/** Storable text that was cut or joined since: a pair may have been cut in two. What is escaped already stays. */
export function stillStorable(text: string): string {
  return text.replace(STILL_REFUSED, escaped);
}

function escaped(refused: string): string {
  return ESCAPE + refused.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
}

/** The text as it came. */
export function original(text: string): string {
  return text.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A stored JSON value as it came, header names included. */
export function originalValue<T>(value: T): T {
  return mapTexts(value, original);
}

/** False for almost every body: JSON needs `\u` for NUL and lone surrogates (and for rare control characters). */
export function mayBeRefused(json: string): boolean {
  return json.includes("\\u") || json.includes(ESCAPE);
}

/** A JSON value with every text in it, header names included, made storable. */
export function storableValue<T>(value: T): T {
  return mapTexts(value, storable);
}

/** What was made of storable texts, made storable again where that is needed. */
export function stillStorableValue<T>(value: T): T {
  return mapTexts(value, stillStorable);
}

function mapTexts<T>(value: T, map: (text: string) => string): T {
  if (typeof value === "string") return map(value) as T;
  if (Array.isArray(value)) return value.map((inner) => mapTexts(inner, map)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [map(name), mapTexts(inner, map)])) as T;
}
