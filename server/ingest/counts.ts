import type { CallStatus, CallType } from "../../shared/call.ts";
import type { Lane } from "../../shared/wire.ts";
import type { Rejection } from "./types.ts";

/** What came of one committed transaction. */
export interface Ingested {
  /** Events stored, and those that were stored before. */
  fresh: number;
  duplicates: number;
  rejected: readonly Pick<Rejection, "reason">[];
  callsBegun: number;
  callsFinal: readonly { callType: CallType; callStatus: CallStatus | null }[];
}

/** Is told what ingest does, for whoever counts it. */
export interface IngestCounts {
  batch(lane: Lane, events: number): void;
  committed(ingested: Ingested): void;
  /** A transaction was rolled back and is repeated. */
  repeated(): void;
  /** From the capture of a live batch's newest event, by the agent's clock, to its commit. */
  liveLag(seconds: number): void;
}

export const COUNTS_NOTHING: IngestCounts = {
  batch: () => undefined,
  committed: () => undefined,
  repeated: () => undefined,
  liveLag: () => undefined,
};
