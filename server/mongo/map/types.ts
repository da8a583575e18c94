import type { CallStatus, CallType, DisconnectReason, ParticipantStatus, StepType } from "../../../shared/call.ts";
import type { Json, JsonObject } from "../json.ts";

/** A customer as the mapping needs it. */
export interface EnterpriseEntry {
  id: string;
  token: string;
  /** IANA name; holds for times without a zone. */
  timezone: string;
  /** Of its registered sites. */
  hosts: readonly string[];
}

/** Why a document cannot become a call, or part of one. */
export const REJECT_REASONS = [
  "unreadable",
  "not_a_document",
  "no_unique_id",
  "no_enterprise",
  "unknown_enterprise",
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

export interface Reject {
  reason: RejectReason;
  /** What was found, in words. */
  detail: string;
}

/** A rule that had to decide where the document was not clean; counted, so that the operator sees how often. */
export type Rule =
  | "unique_id_was_number"
  | "mongo_id_made"
  | "enterprise_from_token"
  | "enterprise_from_map"
  | "enterprise_by_default"
  | "enterprise_made"
  | "token_from_enterprise"
  | "token_differs"
  | "call_type_by_rule"
  | "call_status_by_rule"
  | "participant_status_unknown"
  | "event_unknown"
  | "bad_time"
  | "start_from_unique_id"
  | "start_from_mongo_id"
  | "end_before_start"
  | "end_inferred"
  | "duration_differs"
  | "bad_duration"
  | "bad_extension"
  | "same_document_twice"
  | "linked_ambiguous";

/** What is known of one extension; anything may be missing. Times in epoch ms. */
export interface ExtensionFacts {
  extension: string;
  status?: ParticipantStatus | undefined;
  ringSeconds?: number | undefined;
  dialStart?: number | undefined;
  answerTime?: number | undefined;
  hangupTime?: number | undefined;
  reason?: DisconnectReason | undefined;
  info: JsonObject;
}

/** What one document says about its call. Times in epoch ms. */
export interface DocumentFacts {
  mongoId: string;
  enterpriseId: string;
  /** See siteHost. */
  siteHost: string;
  linkedid: string;
  /** As the document has it; the enterprise's own when it has none. */
  token?: string | undefined;
  /** The step it tells of. A document of a whole call counts as its hangup. */
  step: StepType;
  /** When that step was, as far as the document says. */
  stepAt?: number | undefined;
  callType?: CallType | undefined;
  callStatus?: CallStatus | undefined;
  phone?: string | undefined;
  trunk?: string | undefined;
  host?: string | undefined;
  mainExtension?: string | undefined;
  callerExtension?: string | undefined;
  extensions: ExtensionFacts[];
  start?: number | undefined;
  dial?: number | undefined;
  answer?: number | undefined;
  end?: number | undefined;
  event?: number | undefined;
  durationSeconds?: number | undefined;
  talkSeconds?: number | undefined;
  extra: JsonObject;
  /** Rules about what the document says; they come out the same whenever it is mapped. */
  rules: Rule[];
  /** Rules about whose it is; they depend on what is registered at the moment. */
  ownerRules: Rule[];
  document: JsonObject;
}

export interface ParticipantRow {
  extension: string;
  participant_status: ParticipantStatus;
  ring_order: number;
  ring_duration: number | null;
  dial_start: number | null;
  answer_time: number | null;
  hangup_time: number | null;
  extension_info: JsonObject | null;
  disconnect_reason: DisconnectReason | null;
}

export interface StepRow {
  event_type: StepType;
  event_sequence: number;
  event_timestamp: number;
  nth: number;
  raw_data: JsonObject;
}

/** A call as it is written; times in epoch ms. */
export interface CallRow {
  linkedid: string;
  mongo_id: string;
  enterprise_id: string;
  token: string;
  start_time: number | null;
  end_time: number | null;
  duration: number | null;
  phone_number: string | null;
  trunk: string | null;
  main_extension: string | null;
  extensions_count: number;
  call_type: CallType;
  call_status: CallStatus;
  asterisk_host: string | null;
  /** The documents, in the order of the call. */
  raw_data: JsonObject[];
  extra_data: { [key: string]: Json };
  participants: ParticipantRow[];
  steps: StepRow[];
  rules: Rule[];
}
