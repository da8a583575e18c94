import { MARKERS, type AmiEvent, type GapCause, type RepairResult } from "../shared/ami-event.ts";

const REASON_CHARACTERS_MAX = 1_000;

/** What AMI told about itself at login; undefined what it would not tell. */
export interface AsteriskFacts {
  asteriskVersion?: string | undefined;
  amiVersion: string;
  /** CoreStatus' start date and time, word for word: equal for the same process, whatever any clock does. */
  startedText?: string | undefined;
  /** Epoch seconds. */
  startedAt?: number | undefined;
}

/**
 * `newOutbox`: nothing is remembered of the time before; whoever has earlier events of this site knows since when.
 * `readUpToMs`: Asterisk's own files are read for what was missed until then.
 */
export function captureStarted(facts: AsteriskFacts, newOutbox = false, readUpToMs?: number): AmiEvent {
  return withKnown(MARKERS.captureStarted, {
    AsteriskVersion: facts.asteriskVersion,
    AmiVersion: facts.amiVersion,
    AsteriskStarted: facts.startedAt?.toString(),
    Outbox: newOutbox ? "new" : undefined,
    Repair: readUpToMs === undefined ? undefined : "pending",
    RepairTo: readUpToMs?.toString(),
  });
}

/** `ended`: the streams before, oldest first, and how far each goes in this outbox. */
export function streamContinued(ended: readonly { stream: string; to: number }[]): AmiEvent {
  return {
    Event: MARKERS.streamContinued,
    Stream: ended.map(({ stream }) => stream),
    To: ended.map(({ to }) => String(to)),
  };
}

/** `sinceMs`: when AMI was last heard. */
export function captureLost(cause: GapCause, detail: string, sinceMs: number): AmiEvent {
  return { Event: MARKERS.captureLost, Cause: cause, Detail: detail, Since: String(sinceMs) };
}

export function asteriskRestarted(facts: AsteriskFacts): AmiEvent {
  return withKnown(MARKERS.asteriskRestarted, { AsteriskStarted: facts.startedAt?.toString() });
}

/** Both lists have the same order. */
export function snapshot(channels: ReadonlyMap<string, string>, complete: boolean): AmiEvent {
  return {
    Event: MARKERS.snapshot,
    Uniqueid: [...channels.keys()],
    Linkedid: [...channels.values()],
    Complete: String(complete),
  };
}

export interface Gap {
  fromMs: number;
  toMs: number;
  cause: GapCause;
  /** In words, where there is more to say than the cause. */
  detail?: string | undefined;
  /** Of the RingpostCaptureLost it stands for, where the clock was set since. */
  sinceMs?: number | undefined;
  /** Events lost, where it is known. */
  count?: number | undefined;
  /** The seqs of `stream` that will never be sent. */
  stream?: string | undefined;
  fromSeq?: number | undefined;
  toSeq?: number | undefined;
}

export function gap({ fromMs, toMs, cause, detail, sinceMs, count, stream, fromSeq, toSeq }: Gap): AmiEvent {
  return withKnown(MARKERS.gap, {
    From: String(Math.max(0, fromMs)),
    To: String(Math.max(0, toMs)),
    Cause: cause,
    Detail: detail,
    Since: sinceMs?.toString(),
    Count: count?.toString(),
    Stream: stream,
    FromSeq: fromSeq?.toString(),
    ToSeq: toSeq?.toString(),
  });
}

/** What came of reading Asterisk's own files for a time; epoch ms. */
export interface Recovery {
  from: number;
  to: number;
  sources: readonly string[];
  rows: number;
  result: RepairResult;
  reason: string | null;
  /** What the server acked of it: "stream from to". */
  spans: readonly string[];
}

export function recovered({ from, to, sources, rows, result, reason, spans }: Recovery): AmiEvent {
  return withKnown(MARKERS.recovered, {
    From: String(Math.max(0, from)),
    To: String(Math.max(0, to)),
    Source: sources.join(","),
    Rows: String(rows),
    Result: result,
    Reason: reason?.slice(0, REASON_CHARACTERS_MAX),
    Spans: spans.length === 0 ? undefined : [...spans],
  });
}

function withKnown(name: string, headers: Record<string, string | string[] | undefined>): AmiEvent {
  const known = Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
  return { Event: name, ...Object.fromEntries(known) };
}
