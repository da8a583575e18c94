import type { CallStatus, CallType, ParticipantStatus } from "../../../shared/call.ts";
import type { CallTimes } from "./times.ts";
import { last } from "./times.ts";
import type { DocumentFacts, ExtensionFacts, ParticipantRow } from "./types.ts";

export interface CallSoFar {
  facts: readonly DocumentFacts[];
  callType: CallType;
  callStatus: CallStatus;
  times: CallTimes;
}

export interface Extensions {
  participants: ParticipantRow[];
  mainExtension: string | null;
  count: number;
}

/**
 * The extensions of a call. As the call model has it, the one that places a call is no participant: it is main_extension
 * of an outgoing call. Of the others, main_extension is who is known to have talked, else the first of `Extensions`.
 */
export function readCallExtensions(call: CallSoFar): Extensions {
  const all = [...mergedExtensions(call.facts).values()];
  const placer = placerOf(call, all);
  const rung = all.filter((facts) => facts.extension !== placer);
  const main = call.callType === "outgoing" ? placer : mainOf(call.facts, rung);
  const participants = rung.map((facts, index) => participantRow(facts, index + 1, main, call));
  return {
    participants,
    mainExtension: main ?? null,
    count: new Set([...rung.map((facts) => facts.extension), ...(placer === undefined ? [] : [placer])]).size,
  };
}

/** What all documents together know of each extension, in the order in which they name them. */
function mergedExtensions(facts: readonly DocumentFacts[]): Map<string, ExtensionFacts> {
  const merged = new Map<string, ExtensionFacts>();
  for (const doc of facts) {
    for (const told of doc.extensions) {
      const known = merged.get(told.extension);
      const more = withStep(told, doc);
      merged.set(told.extension, known === undefined ? more : together(known, more));
    }
  }
  return merged;
}

/** The dial document tells when its extensions began to ring, the bridge document of one extension when it answered. */
function withStep(told: ExtensionFacts, doc: DocumentFacts): ExtensionFacts {
  if (doc.step === "dial") return { ...told, dialStart: told.dialStart ?? doc.dial ?? doc.event };
  if (doc.step !== "bridge" || doc.extensions.length !== 1) return told;
  return { ...told, status: told.status ?? "answered", answerTime: told.answerTime ?? doc.answer ?? doc.event };
}

function together(known: ExtensionFacts, more: ExtensionFacts): ExtensionFacts {
  return {
    extension: known.extension,
    status: statusOf(known.status, more.status),
    ringSeconds: more.ringSeconds ?? known.ringSeconds,
    dialStart: known.dialStart ?? more.dialStart,
    answerTime: known.answerTime ?? more.answerTime,
    hangupTime: more.hangupTime ?? known.hangupTime,
    reason: more.reason ?? known.reason,
    info: { ...known.info, ...more.info },
  };
}

/** Who once answered has answered; else the later word holds. */
function statusOf(known?: ParticipantStatus, more?: ParticipantStatus): ParticipantStatus | undefined {
  return known === "answered" ? known : (more ?? known);
}

function placerOf({ facts, callType }: CallSoFar, all: readonly ExtensionFacts[]): string | undefined {
  const told = last(facts, (doc) => doc.callerExtension);
  if (callType === "incoming") return undefined;
  if (callType === "internal") return told;
  return told ?? last(facts, (doc) => doc.mainExtension) ?? firstOfLast(facts) ?? all[0]?.extension;
}

function mainOf(facts: readonly DocumentFacts[], rung: readonly ExtensionFacts[]): string | undefined {
  const told = last(facts, (doc) => doc.mainExtension);
  const talked = rung.find((one) => one.status === "answered" || one.answerTime !== undefined)?.extension;
  return told ?? talked ?? firstOfLast(facts) ?? rung[0]?.extension;
}

/** `Extensions[0]` of the document that tells most, the last one that has the list. */
function firstOfLast(facts: readonly DocumentFacts[]): string | undefined {
  return last(facts, (doc) => doc.extensions[0]?.extension);
}

function participantRow(
  facts: ExtensionFacts,
  order: number,
  main: string | undefined,
  call: CallSoFar,
): ParticipantRow {
  const status = participantStatus(facts, main, call);
  const answered = status === "answered";
  const sole = answered && facts.extension === main;
  const answerTime = facts.answerTime ?? (sole ? call.times.answer : null) ?? null;
  const hangupTime = facts.hangupTime ?? (sole ? call.times.end : null) ?? null;
  return {
    extension: facts.extension,
    participant_status: status,
    ring_order: order,
    ring_duration: facts.ringSeconds ?? ringSeconds(facts, answered ? answerTime : hangupTime),
    dial_start: facts.dialStart ?? null,
    answer_time: answerTime,
    hangup_time: hangupTime,
    extension_info: Object.keys(facts.info).length === 0 ? null : facts.info,
    disconnect_reason: facts.reason ?? null,
  };
}

/** Its own word; else who is named first has answered an answered call, and the others have not. History no longer dials. */
function participantStatus(
  { extension, status, answerTime }: ExtensionFacts,
  main: string | undefined,
  { callStatus, callType }: CallSoFar,
): ParticipantStatus {
  if (status === "answered" || answerTime !== undefined) return "answered";
  if (status === "busy" || status === "no_answer") return status;
  if (callStatus === "busy") return "busy";
  return callStatus === "answered" && callType !== "outgoing" && extension === main ? "answered" : "no_answer";
}

function ringSeconds({ dialStart }: ExtensionFacts, until: number | null): number | null {
  return dialStart === undefined || until === null || until < dialStart ? null : Math.round((until - dialStart) / 1000);
}
