/**
 * An AMI event as Asterisk sent it: header names in their own spelling, values as text.
 * A header that occurs several times (ChanVariable, Variable) becomes an array in the order received.
 * `Event` names it. Markers the agent adds about itself have the same shape (see MARKERS).
 */
export type AmiEvent = { Event: string; [header: string]: string | string[] };

/**
 * Events the agent writes into the stream about what it could see. They take a seq like any other,
 * so the server knows when a site was blind and which calls cannot still be running.
 */
export const MARKERS = {
  /** AMI login succeeded. Headers: AsteriskVersion, AmiVersion, AsteriskStarted (epoch seconds, if known), Outbox ("new": the agent remembers nothing before this), Repair ("pending": what was missed is being read from Asterisk's own files; RingpostRecovered tells the outcome), RepairTo (epoch ms: until when it was missed, as that outcome will say). */
  captureStarted: "RingpostCaptureStarted",
  /**
   * The first word of a stream that goes on where others of this outbox ended. Headers: Stream (array of UUIDs, oldest
   * first), To (array: the highest seq of each that this outbox has; what a stream had above that will not come).
   */
  streamContinued: "RingpostStreamContinued",
  /** The AMI session ended. Headers: Cause (closed vocabulary, GAP_CAUSES), Detail, Since (epoch ms of the last byte heard). */
  captureLost: "RingpostCaptureLost",
  /** Asterisk is a new process: every channel older than this is gone. Headers: AsteriskStarted (epoch seconds). */
  asteriskRestarted: "RingpostAsteriskRestarted",
  /** The channels that existed right after login; follows its CoreShowChannel and Status events. Headers: Uniqueid (array), Complete ("true"|"false"). */
  snapshot: "RingpostSnapshot",
  /** The agent was blind or lost events. Headers: From, To (epoch ms), Cause, Detail, FromSeq, ToSeq, Count (when known). */
  gap: "RingpostGap",
  /**
   * What Asterisk wrote itself in a time the agent was blind has been read and acked, as far as it could be. Headers:
   * From, To (epoch ms, as in the RingpostGap), Source (what was read: REPAIR_SOURCES joined by ","; empty: nothing),
   * Rows (how many), Result (REPAIR_RESULTS), Reason (why not complete), Spans (array: stream, first and last seq of each
   * part of a file that was acked; a server that lacks one has lost it since).
   */
  recovered: "RingpostRecovered",
} as const;

export const REPAIR_SOURCES = ["cel_sqlite", "cel_csv", "cdr_sqlite", "cdr_csv"] as const;
export type RepairSource = (typeof REPAIR_SOURCES)[number];

/** `complete`: every row of that time; `partial`: some of them; `failed`: none could be read. */
export const REPAIR_RESULTS = ["complete", "partial", "failed"] as const;
export type RepairResult = (typeof REPAIR_RESULTS)[number];

export const GAP_CAUSES = [
  "agent_down",
  "ami_lost",
  "asterisk_down",
  "asterisk_restarted",
  "outbox_full",
  "outbox_corrupt",
  "outbox_lost",
  "set_aside",
  "rights_missing",
] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

/** First value of a header, or undefined when it is absent or empty. */
export function header(event: AmiEvent, name: string): string | undefined {
  const value = event[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === "" ? undefined : first;
}

export function isMarker(event: AmiEvent): boolean {
  return event.Event.startsWith("Ringpost");
}
