import { type AmiEvent, header, MARKERS } from "../../shared/ami-event.ts";

/**
 * Channels there were when AMI was heard again, until they end. Their call detail records are written only then, though they
 * tell of the time nobody heard.
 */
export class Unended {
  #ids: Set<string> | null = null;

  see(events: readonly AmiEvent[]): void {
    for (const event of events) {
      if (event.Event === MARKERS.snapshot) this.#ids = listed(event);
      else if (event.Event === "Hangup") this.#ids?.delete(header(event, "Uniqueid") ?? "");
    }
  }

  get ids(): string[] {
    return [...(this.#ids ?? [])];
  }

  /** Whether none of these is there any more; not before a list of channels was seen. */
  haveEnded(ids: readonly string[]): boolean {
    const open = this.#ids;
    return open !== null && !ids.some((id) => open.has(id));
  }
}

/** Null: not all could be listed. */
function listed(snapshot: AmiEvent): Set<string> | null {
  return header(snapshot, "Complete") === "true" ? new Set([snapshot["Uniqueid"] ?? []].flat()) : null;
}
