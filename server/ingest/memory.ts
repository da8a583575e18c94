import type { CallFold } from "../assemble/index.ts";
import type { CallState } from "../store/lockCalls.ts";
import type { Kept } from "./kept.ts";
import type { Position } from "./types.ts";

export interface KnownParticipant {
  id: number;
  /** What was written; undefined when another server may have written it. */
  signature: string | undefined;
}

export interface KnownStep {
  id: number;
  type: string;
  receivedTimestamp: string;
  signature: string | undefined;
}

/** A call as this server last wrote it. Good only while the row's revision is the same. */
export interface CallMemory {
  callId: number;
  revision: number;
  state: CallState;
  fold: CallFold;
  first: Position;
  last: Position;
  /** Site markers taken into account after `first`, up to `last`. */
  markersSeen: number;
  /** Its events as raw_data will have them. */
  kept: Kept[];
  /** Characters in `kept`: what it weighs. */
  weight: number;
  /** Of the row of calls. */
  signature: string | undefined;
  participants: Map<number, KnownParticipant>;
  steps: Map<string, KnownStep>;
}

/** Folds of recent calls, least recently used first out, bounded by number and by weight. Only a cache: the rows rule. */
export class CallMemories {
  readonly #callsMax: number;
  readonly #weightMax: number;
  readonly #calls = new Map<number, CallMemory>();
  #weight = 0;
  #databaseStarted: string | undefined;

  constructor(callsMax: number, weightMax: number) {
    this.#callsMax = callsMax;
    this.#weightMax = weightMax;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Since the database was started anew it may be an older copy, whose numbers and revisions mean other calls. */
  belongTo(databaseStarted: string | undefined): void {
    if (databaseStarted === undefined || databaseStarted === this.#databaseStarted) return;
    this.#databaseStarted = databaseStarted;
    this.#calls.clear();
    this.#weight = 0;
  }

  /** Takes a call out: whoever writes it puts it back once committed. Undefined when unknown or outdated. */
  take(callId: number, revision: number): CallMemory | undefined {
    const memory = this.#calls.get(callId);
    if (memory === undefined) return undefined;
    this.#forget(memory);
    return memory.revision === revision ? memory : undefined;
  }

  put(memory: CallMemory): void {
    const older = this.#calls.get(memory.callId);
    if (older !== undefined) this.#forget(older);
    this.#calls.set(memory.callId, memory);
    this.#weight += memory.weight;
    while (this.#calls.size > this.#callsMax || this.#weight > this.#weightMax) {
      const [oldest] = this.#calls.values();
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
  }

  #forget(memory: CallMemory): void {
    this.#calls.delete(memory.callId);
    this.#weight -= memory.weight;
  }
}
