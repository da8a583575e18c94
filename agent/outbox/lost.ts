import type { CapturedRow } from "../capture.ts";
import type { Gap } from "../markers.ts";

export type GapRow = (gap: Gap) => CapturedRow;

/** Counts events for which there was no room, until there is room to say so. */
export class Lost {
  readonly #gapRow: GapRow;
  #open: { count: number; fromMs: number; toMs: number } | null = null;
  total = 0;

  constructor(gapRow: GapRow) {
    this.#gapRow = gapRow;
  }

  count(row: CapturedRow): void {
    this.#open ??= { count: 0, fromMs: row.at, toMs: row.at };
    this.#open.count++;
    this.#open.toMs = row.at;
    this.total++;
  }

  /** The marker for what was lost since the last call; null when nothing was. */
  gap(): CapturedRow | null {
    if (this.#open === null) return null;
    const row = this.#gapRow({ ...this.#open, cause: "outbox_full" });
    this.#open = null;
    return row;
  }
}
