import type { Origin } from "../../shared/wire.ts";

export interface Aged {
  at: number;
  mono: number;
  lag: number;
}

export interface Now {
  wallMs: number;
  monoMs: number;
}

/**
 * `live` when the event leaves within the window of its birth, by the agent's own clock. Within one run the monotonic
 * clock tells, so a jump of the wall clock changes nothing; an event from the future, of an earlier run, is not live.
 */
export function originOf(event: Aged, now: Now, windowMs: number, sameRun: boolean): Origin {
  const ageMs = sameRun ? now.monoMs - event.mono : now.wallMs - event.at;
  return ageMs >= 0 && ageMs + event.lag <= windowMs ? "live" : "downloaded";
}

/** One NDJSON line of a batch. The stored body is spliced in as it is: nothing is parsed on the way. */
export function wireLine(seq: number, event: Aged & { body: string }, origin: Origin): string {
  return `{"seq":${seq},"at":${event.at},"mono":${event.mono},"origin":"${origin}","ev":${event.body}}\n`;
}
