import type { AssembledCall, Participant, Step } from "../assemble/index.ts";
import type { CallState } from "../store/lockCalls.ts";
import type { CallRow } from "../store/writeCalls.ts";
import type { ParticipantRow } from "../store/writeParticipants.ts";
import type { StepRow } from "../store/writeSteps.ts";
import { INGEST_LIMITS } from "./limits.ts";
import { covers, type Ranges } from "./ranges.ts";
import { stillStorable, stillStorableValue } from "./storable.ts";
import type { Position, SiteContext } from "./types.ts";

const EPOCH_MS_MAX = 8_640_000_000_000_000;
const INTEGER_MAX = 2_147_483_647;

/** How far a call may be told: its state, and whether events that belong to it may still be missing. */
export interface Standing {
  state: CallState;
  incomplete: boolean;
}

/**
 * Final only when ended and nothing between its first and last event is missing, nor being read from Asterisk's own files;
 * final stays final while it is ended.
 */
export function standingOf(
  call: AssembledCall,
  settled: (stream: number) => Ranges,
  before?: CallState,
  repaired = false,
): Standing {
  const lacks = call.proof.some(({ stream, fromSeq, toSeq }) => !covers(settled(stream), fromSeq, toSeq));
  const missing = lacks || repaired;
  if (!call.ended) return { state: "running", incomplete: missing };
  if (!missing || before === "final") return { state: "final", incomplete: false };
  return { state: "ended", incomplete: true };
}

/** The row of calls. Until it is final a call has no status, no end and no duration. */
export function callRow(
  call: AssembledCall,
  site: SiteContext,
  standing: Standing,
  first: Position,
  receivedAt: number,
): CallRow {
  const final = standing.state === "final";
  return {
    siteId: site.id,
    linkedid: clip(call.linkedid),
    enterpriseId: site.enterpriseId,
    token: site.token,
    asteriskHost: site.host,
    startTime: instant(call.startTime) ?? 0,
    endTime: final ? instant(call.endTime) : null,
    duration: final ? whole(call.durationSeconds) : null,
    phoneNumber: clipped(call.phoneNumber),
    trunk: clipped(call.trunk),
    mainExtension: clipped(call.mainExtension),
    extensionsCount: whole(call.extensionsCount) ?? 0,
    callType: call.callType,
    callStatus: final ? call.callStatus : null,
    dataSource: call.dataSource,
    extraData: stillStorableValue(call.truncated ? { ...call.extra, truncated: true } : call.extra),
    ...standing,
    eventCount: call.eventCount,
    proof: call.proof.map(({ stream, fromSeq, toSeq }) => [stream, fromSeq, toSeq]),
    firstStream: first.stream,
    firstSeq: first.seq,
    receivedAt,
  };
}

/**
 * A row of call_participants. While events may be missing, only what cannot change is told: an answer; a refusal or a
 * silence could still turn out to be an answer.
 */
export function participantRow(callId: number, participant: Participant, incomplete: boolean): ParticipantRow {
  const open = incomplete && participant.status !== "answered";
  return {
    callId,
    extension: clip(participant.extension),
    status: open ? "dialing" : participant.status,
    ringOrder: participant.ringOrder,
    ringDuration: open ? null : whole(participant.ringDurationSeconds),
    dialStart: instant(participant.dialStart),
    answerTime: instant(participant.answerTime),
    hangupTime: incomplete ? null : instant(participant.hangupTime),
    disconnectReason: incomplete ? null : participant.disconnectReason,
    info: stillStorableValue(participant.info),
  };
}

/** The steps that may be written: the hangup only when the call is final. */
export function toldSteps(call: AssembledCall, { state }: Standing): Step[] {
  return state === "final" ? call.steps : call.steps.filter((step) => step.key.type !== "hangup");
}

export function stepRow(callId: number, uniqueId: string, siteId: number, step: Step): StepRow {
  const { leg, type, nth } = step.key;
  return {
    callId,
    uniqueId,
    siteId,
    leg,
    type,
    nth,
    sequence: step.sequence,
    at: instant(step.at) ?? 0,
    dataSource: step.origin === "live" ? "live" : "downloaded",
    raw: step.event,
  };
}

/** Text that fits an indexed column: a PBX may send a megabyte where a number belongs. */
function clip(text: string): string {
  return stillStorable(text.slice(0, INGEST_LIMITS.columnCharsMax));
}

function clipped(text: string | null): string | null {
  return text === null ? null : clip(text);
}

/** A time PostgreSQL takes, whatever the PBX's clock said; null stays null. */
function instant(epochMs: number | null): number | null {
  return epochMs === null || Number.isNaN(epochMs) ? null : Math.min(Math.max(epochMs, 0), EPOCH_MS_MAX);
}

function whole(value: number | null): number | null {
  return value === null || Number.isNaN(value) ? null : Math.min(Math.max(Math.round(value), 0), INTEGER_MAX);
}
