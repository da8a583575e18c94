import type { ParticipantStatus } from "../../../shared/call.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import { Reading, readText, type ExtensionField, type Names } from "./fields.ts";
import { readSeconds, readTime } from "./time.ts";
import type { ExtensionFacts, Rule } from "./types.ts";
import { plainWord, type Words } from "./words.ts";

export interface ExtensionContext {
  names: Names<ExtensionField>;
  words: Words;
  zone: string;
}

/** Longer than any number people dial; what is longer is a mistake of another kind. */
const EXTENSION_CHARS_MAX = 64;

/**
 * The extensions of a document, in its order: a list of numbers or of objects, text with commas, or an object by number.
 * `info` is what the document keeps of extensions elsewhere (ExtensionInfo), by number or as a list.
 */
export function readExtensions(
  value: Json | undefined,
  info: Json | undefined,
  context: ExtensionContext,
): { extensions: ExtensionFacts[]; rules: Rule[] } {
  const rules: Rule[] = [];
  const extensions: ExtensionFacts[] = [];
  for (const entry of entriesOf(value)) {
    const facts = readEntry(entry, context, rules);
    if (facts === undefined) rules.push("bad_extension");
    else extensions.push(facts);
  }
  for (const facts of extensions) addInfo(facts, info, context);
  return { extensions, rules };
}

/** Whether a value can be the list of extensions at all. */
export function holdsExtensions(value: Json): Json | undefined {
  return entriesOf(value).length > 0 ? value : undefined;
}

function entriesOf(value: Json | undefined): Json[] {
  if (Array.isArray(value)) return value.filter((entry) => entry !== null && entry !== "");
  if (typeof value === "string") return value.split(/[,;&\s]+/).filter((part) => part !== "");
  if (typeof value === "number") return [value];
  if (!isObject(value)) return [];
  if (readText(value) !== undefined) return [value];
  // In the order of their names: PostgreSQL does not keep the order of an object, and a stored document is mapped again.
  const entries = Object.entries(value).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  return entries.map(([extension, inner]) => (isObject(inner) ? { extension, ...inner } : { extension, info: inner }));
}

function readEntry(entry: Json, context: ExtensionContext, rules: Rule[]): ExtensionFacts | undefined {
  const plain = readText(entry);
  if (plain !== undefined) return withNumber(plain, { info: {} });
  if (!isObject(entry)) return undefined;
  const reading = new Reading(entry, context.names);
  const number = reading.take("extension", readText);
  if (number === undefined) return undefined;
  return withNumber(number, readFacts(reading, context, rules));
}

function withNumber(text: string, facts: Omit<ExtensionFacts, "extension">): ExtensionFacts | undefined {
  const extension = dialledNumber(text);
  return extension === "" || extension.length > EXTENSION_CHARS_MAX ? undefined : { ...facts, extension };
}

/** `PJSIP/150-0000001f`, `Local/150@from-queue/n` and `150@internal` are 150, as everywhere in the call model. */
function dialledNumber(text: string): string {
  const channel = /^[A-Za-z0-9_]+\/([^@/]+?)(?:-[0-9a-f]{8})?(?:[@/;].*)?$/.exec(text);
  return (channel?.[1] ?? text.split("@")[0] ?? "").trim();
}

function readFacts(
  reading: Reading<ExtensionField>,
  { words, zone }: ExtensionContext,
  rules: Rule[],
): Omit<ExtensionFacts, "extension"> {
  const time = (value: Json): number | undefined => readTime(value, zone);
  const badTime = (): unknown => rules.push("bad_time");
  const word =
    <T>(table: ReadonlyMap<string, T>) =>
    (value: Json) =>
      table.get(plainWord(readText(value) ?? ""));
  return {
    status: reading.take("status", word<ParticipantStatus>(words.participantStatus), () =>
      rules.push("participant_status_unknown"),
    ),
    ringSeconds: reading.take("ring_duration", readSeconds, () => rules.push("bad_duration")),
    dialStart: reading.take("dial_start", time, badTime),
    answerTime: reading.take("answer_time", time, badTime),
    hangupTime: reading.take("hangup_time", time, badTime),
    reason: reading.take("disconnect_reason", word(words.reason)),
    info: reading.unknown(),
  };
}

function addInfo(facts: ExtensionFacts, info: Json | undefined, { names }: ExtensionContext): void {
  const found = infoOf(facts.extension, info, names);
  if (found !== undefined) facts.info = { ...(isObject(found) ? found : { info: found }), ...facts.info };
}

function infoOf(extension: string, info: Json | undefined, names: Names<ExtensionField>): Json | undefined {
  if (isObject(info)) return Object.hasOwn(info, extension) ? info[extension] : undefined;
  if (!Array.isArray(info)) return undefined;
  const own = (entry: Json): entry is JsonObject =>
    isObject(entry) && new Reading(entry, names).take("extension", readText) === extension;
  return info.find(own);
}
