import type { CallStatus, CallType } from "../../../shared/call.ts";
import { canonical, type Json, type JsonObject } from "../json.ts";
import { readCallExtensions } from "./participants.ts";
import { callTimes, last, type CallTimes } from "./times.ts";
import type { CallRow, DocumentFacts, EnterpriseEntry, Rule, StepRow } from "./types.ts";

/** Documents of one call beyond this are a mistake (or somebody's test); their steps are cut, the documents are kept. */
const STEPS_MAX = 1_000;
const STEP_ORDER = { start: 0, dial: 1, bridge: 2, hangup: 3 } as const;

/**
 * One call out of all documents of one UniqueId. The outcome depends on the set of documents alone, not on their order
 * nor on how many came at once.
 */
export function mergeCall(documents: readonly DocumentFacts[], enterprise: EnterpriseEntry): CallRow {
  const facts = [...documents].sort(inOrder);
  const main = facts.findLast((doc) => doc.step === "hangup") ?? facts.at(-1);
  if (main === undefined) throw new RangeError("a call needs at least one document");
  const rules: Rule[] = facts.flatMap((doc) => doc.rules);
  const callType = last(facts, (doc) => doc.callType) ?? typeByRule(facts, rules);
  const times = callTimes(facts, rules);
  const callStatus = main.callStatus ?? statusByRule(facts, times, rules);
  const { participants, mainExtension, count } = readCallExtensions({ facts, callType, callStatus, times });
  const steps = stepsOf(facts, main, times, rules);
  return {
    linkedid: main.linkedid,
    mongo_id: main.mongoId,
    enterprise_id: enterprise.id,
    token: last(facts, (doc) => doc.token) ?? enterprise.token,
    start_time: times.start,
    end_time: times.end,
    duration: times.durationSeconds,
    phone_number: callType === "internal" ? null : (phoneOf(facts, main) ?? null),
    trunk: main.trunk ?? last(facts, (doc) => doc.trunk) ?? null,
    main_extension: mainExtension,
    extensions_count: count,
    call_type: callType,
    call_status: callStatus,
    asterisk_host: main.host ?? last(facts, (doc) => doc.host) ?? null,
    raw_data: facts.map((doc) => doc.document),
    extra_data: extraOf(facts, main, callType, times, rules),
    participants,
    steps,
    rules,
  };
}

function inOrder(a: DocumentFacts, b: DocumentFacts): number {
  const byTime = (a.stepAt ?? Infinity) - (b.stepAt ?? Infinity);
  if (byTime !== 0 && !Number.isNaN(byTime)) return byTime;
  return STEP_ORDER[a.step] - STEP_ORDER[b.step] || (a.mongoId < b.mongoId ? -1 : Number(a.mongoId > b.mongoId));
}

function phoneOf(facts: readonly DocumentFacts[], main: DocumentFacts): string | undefined {
  return main.phone ?? facts.find((doc) => doc.phone !== undefined)?.phone;
}

/** No word for the type, or none we know: who placed it tells, else a call of extensions alone is internal, else it came in. */
function typeByRule(facts: readonly DocumentFacts[], rules: Rule[]): CallType {
  rules.push("call_type_by_rule");
  const phone = facts.some((doc) => doc.phone !== undefined);
  if (facts.some((doc) => doc.callerExtension !== undefined)) return phone ? "outgoing" : "internal";
  const extensions = new Set(facts.flatMap((doc) => doc.extensions.map((one) => one.extension)));
  return !phone && extensions.size > 1 ? "internal" : "incoming";
}

/** No status at the end: whoever is known to have talked has answered, else the last word any document has for it. */
function statusByRule(facts: readonly DocumentFacts[], times: CallTimes, rules: Rule[]): CallStatus {
  rules.push("call_status_by_rule");
  const talked =
    times.answer !== null ||
    facts.some((doc) => doc.step === "bridge" || (doc.talkSeconds ?? 0) > 0) ||
    facts.some((doc) => doc.extensions.some((one) => one.status === "answered" || one.answerTime !== undefined));
  return talked ? "answered" : (last(facts, (doc) => doc.callStatus) ?? "no_answer");
}

/** A step for each document, in order; one hangup, the last, whatever the old system wrote of single legs. */
function stepsOf(facts: readonly DocumentFacts[], main: DocumentFacts, times: CallTimes, rules: Rule[]): StepRow[] {
  const once = withoutCopies(facts, rules);
  const steps = once.filter((doc) => doc.step !== "hangup" && doc.stepAt !== undefined).slice(0, STEPS_MAX);
  const nth = { start: 0, dial: 0, bridge: 0, hangup: 0 };
  const ordered = main.step === "hangup" ? [...steps, main] : steps;
  const rows = ordered.map((doc, index) => {
    const at = doc === main && doc.step === "hangup" ? (times.end ?? doc.stepAt) : doc.stepAt;
    return at === undefined ? undefined : stepRow(doc, at, index + 1, ++nth[doc.step]);
  });
  return rows.filter((row) => row !== undefined);
}

function stepRow(doc: DocumentFacts, at: number, sequence: number, nth: number): StepRow {
  return { event_type: doc.step, event_sequence: sequence, event_timestamp: at, nth, raw_data: doc.document };
}

/** Documents that say the same under another _id: written twice by the old system, told once by us. */
function withoutCopies(facts: readonly DocumentFacts[], rules: Rule[]): readonly DocumentFacts[] {
  if (facts.length === 1) return facts;
  const seen = new Set<string>();
  return facts.filter(({ document: { _id, ...rest } }) => {
    const said = canonical(rest);
    if (!seen.has(said)) return seen.add(said);
    rules.push("same_document_twice");
    return false;
  });
}

function extraOf(
  facts: readonly DocumentFacts[],
  main: DocumentFacts,
  callType: CallType,
  times: CallTimes,
  rules: readonly Rule[],
): JsonObject {
  const extra: JsonObject = Object.assign({}, ...facts.map((doc) => doc.extra));
  const talk = last(facts, (doc) => doc.talkSeconds) ?? talkSeconds(times);
  if (talk !== undefined) extra["talk_seconds"] = talk;
  extra["completeness"] = times.inferredEnd ? "inferred_end" : "complete";
  const internalPhone = callType === "internal" ? phoneOf(facts, main) : undefined;
  const migration = migrationNotes(facts, times, rules);
  if (internalPhone !== undefined) migration["phone_told"] = internalPhone;
  if (Object.keys(migration).length > 0) extra["migration"] = migration;
  return extra;
}

function talkSeconds({ answer, end }: CallTimes): number | undefined {
  return answer === null || end === null || end < answer ? undefined : Math.round((end - answer) / 1000);
}

/** What the operator may want to look for: which documents, which rules decided, a duration that the times contradict. */
function migrationNotes(facts: readonly DocumentFacts[], times: CallTimes, rules: readonly Rule[]): JsonObject {
  const notes: { [key: string]: Json } = {};
  if (facts.length > 1) notes["mongo_ids"] = facts.map((doc) => doc.mongoId);
  const decided = [...new Set(rules)].sort();
  if (decided.length > 0) notes["rules"] = decided;
  const told = last(facts, (doc) => doc.durationSeconds);
  if (told !== undefined && told !== times.durationSeconds) notes["duration_told"] = told;
  return notes;
}
