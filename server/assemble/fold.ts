import type { CallEvent } from "./types.ts";

/** Facts of one call, gathered event by event. Opaque outside this folder. */
export interface CallFold {
  events: CallEvent[];
}

/** A call of which nothing is known yet. */
export function newFold(): CallFold {
  return { events: [] };
}

/** Takes the next event of the call in (stream, seq) order. O(1) amortised. */
export function foldEvent(fold: CallFold, event: CallEvent): void {
  fold.events.push(event);
}
