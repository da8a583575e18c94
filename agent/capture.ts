import { header, type AmiEvent } from "../shared/ami-event.ts";
import { bodyOf } from "../shared/ami-message.ts";
import type { Clock } from "./clock.ts";

/** An event as the outbox stores it. Times in ms; `body` is the event's JSON text. */
export interface CapturedRow {
  at: number;
  mono: number;
  /** How old the event already was when it was captured. */
  lag: number;
  name: string;
  linkedid: string | null;
  body: string;
}

/** Older than this by its `Timestamp` means a wrong PBX clock: no socket keeps a day. */
const LAG_MS_MAX = 24 * 3_600_000;
/** Below this the difference of two clocks is noise of its measurement. */
const CLOCK_OFFSET_MS_MIN = 2_000;

/** How old bytes read now may be, ms. */
export interface Lateness {
  ageMs(monoMs: number): number;
}

export const NEVER_LATE: Lateness = { ageMs: () => 0 };

/** Turns AMI events into rows, with their times. */
export class Capture {
  readonly #clock: Clock;
  readonly #lateness: Lateness;
  #pbxAheadMs = 0;

  constructor(clock: Clock, lateness: Lateness) {
    this.#clock = clock;
    this.#lateness = lateness;
  }

  /** How far the PBX's clock is ahead of ours (negative: behind), as its answer to Ping told; 0 when close. */
  get pbxAheadMs(): number {
    return this.#pbxAheadMs;
  }

  measuredPbxClock(aheadMs: number): void {
    this.#pbxAheadMs = Math.abs(aheadMs) < CLOCK_OFFSET_MS_MIN ? 0 : Math.round(aheadMs);
  }

  row(event: AmiEvent): CapturedRow {
    const at = Math.max(0, this.#clock.wallMs());
    const mono = this.#clock.monoMs();
    return {
      at,
      mono,
      lag: this.ageMs(event),
      name: event.Event,
      linkedid: header(event, "Linkedid") ?? null,
      body: bodyOf(event),
    };
  }

  /** How old an event is that was read just now. */
  ageMs(event: AmiEvent): number {
    return this.#lagMs(event) ?? this.#lateness.ageMs(this.#clock.monoMs());
  }

  /** Undefined when there is no Timestamp to be believed. */
  #lagMs(event: AmiEvent): number | undefined {
    const stamped = header(event, "Timestamp");
    if (stamped === undefined) return undefined;
    const lag = Math.round(this.#clock.wallMs() - (Number(stamped) * 1000 - this.#pbxAheadMs));
    return Math.abs(lag) < LAG_MS_MAX ? Math.max(0, lag) : undefined;
  }
}
