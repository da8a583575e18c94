import { setTimeout as sleep } from "node:timers/promises";
import { capture, phonesSaw } from "../support/captures.ts";
import type { Pbx } from "../support/pbx/pbx.ts";
import type { Play } from "../support/pbx/play.ts";

/** Which recorded call begins when (seconds after the first), so that the outage meets calls in every state. */
export const PROGRAMME: readonly { at: number; name: string }[] = [
  { at: 0, name: "22/incoming_answered" },
  { at: 1, name: "22/ring_group_answered" },
  { at: 3, name: "22/incoming_unregistered" },
  { at: 4, name: "22/outgoing_answered" },
  { at: 6, name: "22/blind_transfer" },
  { at: 9.5, name: "22/incoming_busy" },
  { at: 10, name: "22/incoming_answered_callee_hangs" },
  { at: 11, name: "22/internal_answered" },
  { at: 12, name: "22/incoming_abandoned" },
  { at: 13, name: "22/queue_ringall_answered" },
  { at: 18, name: "22/hunt_third_answers" },
  { at: 19, name: "22/outgoing_busy" },
];
/** The link to the server is away from here to there, seconds after the first call. */
export const OUTAGE = { from: 9, to: 17 };

/** What the phones of a recorded call saw, under the id this play gave it. */
export interface Expected {
  id: string;
  status: string;
  extension: string | null;
}

/** Plays the whole programme; resolves when the last call has ended, with what must be in the tables then. */
export async function playAll(pbx: Pbx, signal: AbortSignal): Promise<Expected[]> {
  const begun = await Promise.all(
    PROGRAMME.map(async ({ at, name }) => {
      await sleep(at * 1000, undefined, { signal });
      const play = await pbx.play(capture(name));
      await play.done;
      return expectedOf(name, play);
    }),
  );
  return begun.flat();
}

/** Goes on with a call every few seconds until the signal. */
export async function playOn(pbx: Pbx, everyMs: number, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    await pbx.play(capture(PROGRAMME[n % PROGRAMME.length]!.name));
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

function expectedOf(name: string, play: Play): Expected[] {
  return phonesSaw(name).map(({ linkedid, status, extension }) => ({ id: play.id(linkedid), status, extension }));
}
