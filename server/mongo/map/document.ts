import type { StepType } from "../../../shared/call.ts";
import { createHash } from "node:crypto";
import { at, canonical, isObject, type Json, type JsonObject } from "../json.ts";
import { findOwner, isReject, ownerAgain, siteHost, type Directory, type Owner } from "./enterprise.ts";
import { holdsExtensions, readExtensions } from "./extensions.ts";
import { Reading, readText, type ExtensionField, type Field, type Names } from "./fields.ts";
import { readSeconds, readTime, timeOfMongoId } from "./time.ts";
import type { DocumentFacts, EnterpriseEntry, ExtensionFacts, Reject, Rule } from "./types.ts";
import { plainWord, type Words } from "./words.ts";

export interface MappingContext {
  fields: Names<Field>;
  extensionFields: Names<ExtensionField>;
  words: Words;
  directory: Directory;
}

/** Asterisk's own ids are below 40 characters; an index of PostgreSQL takes no more than 2,700 bytes. */
const UNIQUE_ID_CHARS_MAX = 200;

/**
 * What a document (in the normal form, see normal.ts) says of its call, or why it cannot be used.
 * `owner` is given when a stored document is mapped again: it stays with the enterprise it was given.
 */
export function mapDocument(
  document: JsonObject,
  context: MappingContext,
  owner?: EnterpriseEntry,
): DocumentFacts | Reject {
  const reading = new Reading(document, context.fields);
  const rules: Rule[] = [];
  const linkedid = reading.take("unique_id", (value) => uniqueIdOf(value, rules));
  if (linkedid === undefined) return noUniqueId(document, context);
  const found = owner === undefined ? findOwner(reading, context.directory) : ownerAgain(reading, owner);
  if (isReject(found)) return found;
  return factsOf(document, linkedid, found, reading, context, rules);
}

function factsOf(
  document: JsonObject,
  linkedid: string,
  { enterprise, token, rules: ownerRules }: Owner,
  reading: Reading<Field>,
  { words, extensionFields, fields }: MappingContext,
  rules: Rule[],
): DocumentFacts {
  const zone = enterprise.timezone;
  const host = reading.take("asterisk_host", readText);
  const times = readTimes(reading, zone, rules);
  const callStatus = reading.take("call_status", (value) => words.callStatus.get(plainWord(readText(value) ?? "")));
  const durationSeconds = reading.take("duration", readSeconds, () => rules.push("bad_duration"));
  const extensions = readAllExtensions(document, reading, { names: extensionFields, words, zone }, fields, rules);
  const whole = times.end !== undefined || callStatus !== undefined || durationSeconds !== undefined;
  const step = toldStep(reading, words, rules) ?? (whole ? "hangup" : likelyStep(times, extensions));
  return {
    mongoId: mongoIdOf(document, rules),
    enterpriseId: enterprise.id,
    siteHost: siteHost(enterprise, host),
    linkedid,
    token,
    step,
    stepAt: stepTime(step, times) ?? timeOfMongoId(document["_id"]),
    callType: reading.take("call_type", (value) => words.callType.get(plainWord(readText(value) ?? ""))),
    callStatus,
    phone: reading.take("phone_number", readPhone),
    trunk: reading.take("trunk", readTrunk),
    host,
    mainExtension: reading.take("main_extension", readText),
    callerExtension: reading.take("caller_extension", readText),
    extensions,
    ...times,
    durationSeconds,
    talkSeconds: reading.take("talk_seconds", readSeconds, () => rules.push("bad_duration")),
    extra: reading.unknown("_id"),
    rules,
    ownerRules,
    document,
  };
}

interface Times {
  start?: number | undefined;
  dial?: number | undefined;
  answer?: number | undefined;
  end?: number | undefined;
  event?: number | undefined;
}

function readTimes(reading: Reading<Field>, zone: string, rules: Rule[]): Times {
  const time = (field: Field): number | undefined =>
    reading.take(
      field,
      (value) => readTime(value, zone),
      () => rules.push("bad_time"),
    );
  return {
    start: time("start_time"),
    dial: time("dial_time"),
    answer: time("answer_time"),
    end: time("end_time"),
    event: time("event_time"),
  };
}

function toldStep(reading: Reading<Field>, words: Words, rules: Rule[]): StepType | undefined {
  const word = (value: Json): StepType | undefined => words.step.get(plainWord(readText(value) ?? ""));
  return reading.take("event", word, () => rules.push("event_unknown"));
}

/** A document with an end, a status or a duration is one of the whole call, written at its hangup; the others say less. */
function likelyStep({ dial, answer }: Times, extensions: readonly ExtensionFacts[]): StepType {
  if (answer !== undefined) return "bridge";
  return dial !== undefined || extensions.length > 0 ? "dial" : "start";
}

function stepTime(step: StepType, { start, dial, answer, end, event }: Times): number | undefined {
  const own = { start, dial, bridge: answer, hangup: end }[step];
  return own ?? event ?? (step === "hangup" ? (answer ?? dial ?? start) : start);
}

function readAllExtensions(
  document: JsonObject,
  reading: Reading<Field>,
  context: Parameters<typeof readExtensions>[2],
  fields: Names<Field>,
  rules: Rule[],
): ExtensionFacts[] {
  const list = reading.take("extensions", holdsExtensions);
  const infoName = fields.extension_info.find((name) => at(document, name) !== undefined);
  const read = readExtensions(list, infoName === undefined ? undefined : at(document, infoName), context);
  rules.push(...read.rules);
  return read.extensions;
}

function uniqueIdOf(value: Json, rules: Rule[]): string | undefined {
  const text = readText(value);
  if (text === undefined || text.length > UNIQUE_ID_CHARS_MAX) return undefined;
  if (typeof value !== "string") rules.push("unique_id_was_number");
  return text;
}

/** Hidden callers are NULL in the call model. A number in a `sip:` address or behind a trunk's `@` is the number alone. */
function readPhone(value: Json): string | undefined {
  const text = readText(value)
    ?.replace(/^sips?:/i, "")
    .split("@")[0];
  return text === undefined || /^(|<?unknown>?|anonymous|restricted|private|s|null|none)$/i.test(text)
    ? undefined
    : text;
}

/** `PJSIP/trunk-a-0000001f` is trunk-a. */
function readTrunk(value: Json): string | undefined {
  return readText(value)
    ?.replace(/^[A-Za-z0-9_]+\//, "")
    .replace(/-[0-9a-f]{8}$/, "");
}

/** The `_id` as text. A document exported without one gets the hash of what it says, so that it is still known again. */
export function mongoIdOf(document: JsonObject, rules: Rule[]): string {
  const id = document["_id"];
  const text = id === undefined ? undefined : readText(id);
  if (text !== undefined) return text;
  if (id !== undefined && id !== null) return canonical(id);
  rules.push("mongo_id_made");
  return `sha1:${createHash("sha1").update(canonical(document)).digest("hex")}`;
}

function noUniqueId(document: JsonObject, { fields }: MappingContext): Reject {
  const name = fields.unique_id.find((name) => at(document, name) !== undefined);
  if (name === undefined) return { reason: "no_unique_id", detail: `none of ${fields.unique_id.join(", ")} is there` };
  const value = at(document, name);
  const kind = isObject(value) ? "an object" : Array.isArray(value) ? "a list" : typeof value;
  return {
    reason: "no_unique_id",
    detail: `${name} is ${value === "" || value === null ? "empty" : `${kind} that is no id`}`,
  };
}
