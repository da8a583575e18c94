/** One column that is told differently. Times are ISO 8601 in UTC; undefined: there was, or will be, no such thing. */
export interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

export type ChangeKind = "new" | "changed" | "gone";

/** A participant that is told differently, known by its place in the ring order. */
export interface ParticipantChange {
  ringOrder: number;
  extension: string;
  kind: ChangeKind;
  fields: FieldChange[];
}

/** A step that is told differently, known by its identity. */
export interface StepChange {
  leg: string;
  type: string;
  nth: number;
  kind: ChangeKind;
  fields: FieldChange[];
}

/** What assembling a call again changes, or would change. */
export interface CallChange {
  id: number;
  uniqueId: string;
  siteId: number;
  timezone: string;
  startTime: string;
  fields: FieldChange[];
  participants: ParticipantChange[];
  steps: StepChange[];
  /** unique_ids of the calls that become part of this one. */
  merged: string[];
  /** unique_id of the call it was part of. */
  splitFrom: string | undefined;
}

/**
 * Why a call was left as it is. `events_gone`: the raw log was cleared before the call was final; `no_channels`: its events
 * show none; `not_ended`: it was final, and its events show no end any more; `too_entangled`: it shares channels with too many others; `failed`: the database refused what was told.
 */
export interface SkippedCall {
  id: number;
  uniqueId: string;
  siteId: number;
  reason: "events_gone" | "no_channels" | "not_ended" | "too_entangled" | "failed";
  detail: string;
}

export interface RebuildSummary {
  calls: number;
  changed: number;
  merged: number;
  split: number;
  skipped: number;
  dryRun: boolean;
  /** Asked to stop before the end. */
  stopped: boolean;
}
