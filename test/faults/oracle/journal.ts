import type { CallTruth } from "./templates.ts";

/** One numbered event the PBX raised, and whom it was handed to. */
export interface Told {
  number: number;
  call: number;
  name: string;
  /** The machine's wall clock when it was raised (its Timestamp header), epoch ms. */
  at: number;
  /** The same by the test's clock, which nobody sets. */
  trueAt: number;
  /** The test's monotonic clock, ms. */
  mono: number;
  /** The AMI session it was written into, or null when nobody was logged in. */
  session: number | null;
  /** Everything as sent. */
  text: string;
  /** It reached the server by another way than AMI and has to be kept there. */
  mustBeKept?: boolean;
}

/** One whole call the PBX carried. */
export interface PlayedCall {
  call: number;
  pbx: string;
  kind: string;
  linkedid: string;
  truth: CallTruth;
  firstNumber: number;
  lastNumber: number;
  startedMono: number;
  endedMono: number | null;
}

/** An AMI session as the PBX saw it. */
export interface SessionLife {
  session: number;
  pbx: string;
  openedMono: number;
  /** Machine's wall clock at login. */
  openedAt: number;
  closedMono: number | null;
  closedAt: number | null;
}

/**
 * What really happened, written by the PBX itself and never touched by a fault: every event raised, every call, every
 * session, and the times in which the agent could not work (stopped, dead, or waiting for a stalled disk).
 */
export interface Journal {
  readonly told: Told[];
  readonly calls: PlayedCall[];
  readonly sessions: SessionLife[];
  readonly hindrances: Hindrance[];
  /** How far the machine's clock was ever set from the true time, ms: a gap is told by the clock as it stood at its end. */
  readonly clockOffsetsMs: Set<number>;
}

/** `toMono` null: still. */
export interface Span {
  fromMono: number;
  toMono: number | null;
}

/** The agent was there but could not read or commit. */
export interface Hindrance extends Span {
  pbx: string;
  what: "stopped" | "disk" | "dead";
}

export function newJournal(): Journal {
  return { told: [], calls: [], sessions: [], hindrances: [], clockOffsetsMs: new Set([0]) };
}

/** Notes the start of a hindrance; call what it returns at its end. */
export function hinder(journal: Journal, pbx: string, what: Hindrance["what"]): () => void {
  const entry: Hindrance = { pbx, what, fromMono: performance.now(), toMono: null };
  journal.hindrances.push(entry);
  return () => {
    entry.toMono ??= performance.now();
  };
}
