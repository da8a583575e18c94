import type { AmiEvent } from "../../shared/ami-event.ts";
import type {
  CallStatus,
  CallType,
  DataSource,
  DisconnectReason,
  ParticipantStatus,
  StepType,
} from "../../shared/call.ts";
import type { Origin } from "../../shared/wire.ts";

/** One AMI event as the agent captured it. `stream` is streams.id, `at` the agent's wall clock in epoch ms. */
export interface CallEvent {
  stream: number;
  seq: number;
  at: number;
  origin: Origin;
  ev: AmiEvent;
  /** Set while folding: the PBX's clock was set back in mid-call, and by so many ms its time is told later. */
  setBackMs?: number;
  /** Of an event made of a row of Asterisk's own files: that row. */
  row?: AmiEvent;
  /** Of such a row: what was seen live tells all it says. */
  told?: boolean;
}

/** What the enterprise says about its PBX. `extensions: null` and no trunks: assembly goes by what the events show. */
export interface Directory {
  timezone: string;
  extensions: RegExp | null;
  trunks: ReadonlySet<string>;
  names?: ReadonlyMap<string, { name?: string; department?: string }>;
}

/** A row of call_participants. Times are epoch ms; null is "not (yet)". */
export interface Participant {
  extension: string;
  status: ParticipantStatus;
  ringOrder: number;
  ringDurationSeconds: number | null;
  dialStart: number | null;
  answerTime: number | null;
  hangupTime: number | null;
  disconnectReason: DisconnectReason | null;
  info: Record<string, unknown>;
}

/** Identity of a step within its site: never renamed by later events. `nth` counts from 1 within (leg, type). */
export interface StepKey {
  leg: string;
  type: StepType;
  nth: number;
}

/** A row of call_events. `sequence` counts 1, 2, 3 ... in PBX time; `at` is epoch ms in PBX time. */
export interface Step {
  key: StepKey;
  sequence: number;
  at: number;
  origin: Origin;
  event: AmiEvent;
}

/** Seqs of one stream (both inclusive) that must have arrived before the call may be called final. */
export interface ProofRange {
  stream: number;
  fromSeq: number;
  toSeq: number;
}

/** A call as its events tell it. Times are epoch ms, durations whole seconds. */
export interface AssembledCall {
  linkedid: string;
  /** Every channel id and Linkedid the call ever had, sorted. */
  keys: string[];
  callType: CallType;
  callStatus: CallStatus | null;
  phoneNumber: string | null;
  trunk: string | null;
  mainExtension: string | null;
  extensionsCount: number;
  startTime: number;
  endTime: number | null;
  durationSeconds: number | null;
  dataSource: DataSource;
  participants: Participant[];
  steps: Step[];
  extra: Record<string, unknown>;
  ended: boolean;
  proof: ProofRange[];
  eventCount: number;
  truncated: boolean;
}

/** A call stops growing at this many events; further ones are only counted. */
export const CALL_EVENTS_MAX = 50_000;
