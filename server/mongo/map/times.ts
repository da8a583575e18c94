import type { DocumentFacts, Rule } from "./types.ts";
import { timeOfMongoId, timeOfUniqueId } from "./time.ts";

export interface CallTimes {
  start: number | null;
  answer: number | null;
  end: number | null;
  durationSeconds: number | null;
  /** The end was not told; it is the last thing known. */
  inferredEnd: boolean;
}

/** When a call began, was answered and ended, by what its documents say together. Epoch ms. */
export function callTimes(facts: readonly DocumentFacts[], rules: Rule[]): CallTimes {
  const start = startOf(facts, rules);
  const told = last(facts, (doc) => doc.durationSeconds);
  const { end, inferred } = endOf(facts, start, told, rules);
  const answer = earliest(facts.map((doc) => doc.answer ?? (doc.step === "bridge" ? doc.event : undefined)));
  return {
    start,
    answer: answer ?? null,
    end,
    durationSeconds: durationOf(start, end, told, rules),
    inferredEnd: inferred,
  };
}

function startOf(facts: readonly DocumentFacts[], rules: Rule[]): number | null {
  const told = earliest(facts.map((doc) => doc.start ?? (doc.step === "start" ? doc.event : undefined)));
  if (told !== undefined) return told;
  const linkedid = facts[0]?.linkedid ?? "";
  const inId = timeOfUniqueId(linkedid);
  if (inId !== undefined) return noted(rules, "start_from_unique_id", inId);
  const any = earliest(facts.flatMap((doc) => [doc.dial, doc.answer, doc.event, doc.end]));
  if (any !== undefined) return any;
  const made = earliest(facts.map((doc) => timeOfMongoId(doc.document["_id"])));
  return made === undefined ? null : noted(rules, "start_from_mongo_id", made);
}

function endOf(
  facts: readonly DocumentFacts[],
  start: number | null,
  durationSeconds: number | undefined,
  rules: Rule[],
): { end: number | null; inferred: boolean } {
  const byDuration = start === null || durationSeconds === undefined ? undefined : start + durationSeconds * 1000;
  const hangups = facts.filter((doc) => doc.step === "hangup");
  const told = latest(hangups.map((doc) => doc.end)) ?? latest(facts.map((doc) => doc.end));
  const end = told ?? byDuration ?? latest(hangups.map((doc) => doc.event));
  if (end === undefined) return inferredEnd(facts, start, rules);
  if (start === null || end >= start) return { end, inferred: false };
  rules.push("end_before_start");
  return byDuration === undefined ? inferredEnd(facts, start, rules) : { end: byDuration, inferred: false };
}

/** A call of the past has ended, even when nobody wrote down when: at the last thing known of it. */
function inferredEnd(
  facts: readonly DocumentFacts[],
  start: number | null,
  rules: Rule[],
): { end: number | null; inferred: boolean } {
  const known = facts.flatMap((doc) => [doc.dial, doc.answer, doc.event]);
  const end = latest([...known.filter((time) => start === null || (time ?? start) >= start), start ?? undefined]);
  return { end: end === undefined ? null : noted(rules, "end_inferred", end), inferred: end !== undefined };
}

function durationOf(start: number | null, end: number | null, told: number | undefined, rules: Rule[]): number | null {
  if (start === null || end === null) return told ?? null;
  const seconds = Math.round((end - start) / 1000);
  if (told !== undefined && Math.abs(told - seconds) > 1) rules.push("duration_differs");
  return seconds;
}

/** The last document's word that has one. */
export function last<T>(facts: readonly DocumentFacts[], read: (doc: DocumentFacts) => T | undefined): T | undefined {
  for (let index = facts.length - 1; index >= 0; index--) {
    const doc = facts[index];
    const value = doc === undefined ? undefined : read(doc);
    if (value !== undefined) return value;
  }
  return undefined;
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  return pick(times, Math.min);
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  return pick(times, Math.max);
}

function pick(times: readonly (number | undefined)[], choose: (a: number, b: number) => number): number | undefined {
  let found: number | undefined;
  for (const time of times) if (time !== undefined) found = found === undefined ? time : choose(found, time);
  return found;
}

function noted<T>(rules: Rule[], rule: Rule, value: T): T {
  rules.push(rule);
  return value;
}
