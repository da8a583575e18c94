import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import { Capture, NEVER_LATE, type CapturedRow } from "../capture.ts";
import { systemClock } from "../clock.ts";

/** Makes the rows of the outbox's own markers, and tells of every gap among them: people ask the agent, not the file. */
export class TellingCapture extends Capture {
  readonly #gapTold: (marker: AmiEvent) => void;

  constructor(gapTold: (marker: AmiEvent) => void) {
    super(systemClock, NEVER_LATE);
    this.#gapTold = gapTold;
  }

  override row(event: AmiEvent): CapturedRow {
    if (event.Event === MARKERS.gap) this.#gapTold(event);
    return super.row(event);
  }
}
