/** The closed vocabularies of the call model. Nothing else may be stored in these columns. */
export const CALL_TYPES = ["incoming", "outgoing", "internal"] as const;
export type CallType = (typeof CALL_TYPES)[number];

export const CALL_STATUSES = ["answered", "no_answer", "busy", "failed"] as const;
export type CallStatus = (typeof CALL_STATUSES)[number];

export const PARTICIPANT_STATUSES = ["dialing", "answered", "busy", "no_answer"] as const;
export type ParticipantStatus = (typeof PARTICIPANT_STATUSES)[number];

export const DISCONNECT_REASONS = [
  "caller_hangup",
  "callee_hangup",
  "answered_elsewhere",
  "timeout",
  "busy",
  "declined",
  "unavailable",
  "transferred",
  "forwarded",
  "parked",
  "failed",
  "lost",
] as const;
export type DisconnectReason = (typeof DISCONNECT_REASONS)[number];

export const DATA_SOURCES = ["live", "downloaded", "migrated"] as const;
export type DataSource = (typeof DATA_SOURCES)[number];

export const STEP_TYPES = ["start", "dial", "bridge", "hangup"] as const;
export type StepType = (typeof STEP_TYPES)[number];

export const COMPLETENESS = ["complete", "inferred_end", "recovered"] as const;
export type Completeness = (typeof COMPLETENESS)[number];
