import type { SeqRange } from "../../shared/wire.ts";
import type { EverAcked } from "./ever-acked.ts";
import type { Ranges } from "./ranges.ts";
import type { Segments } from "./segments.ts";
import type { Store } from "./store.ts";

/** Streams looked at; of those before them hardly a row is left. */
const OLDER_MAX = 20;

/** A stream before the present one whose rows are still here. Seqs as the outbox has them. */
export interface OlderStream {
  stream: string;
  base: number;
  highest: number;
  oldestUnacked: number | null;
  /** As on the wire: what the server has ever acked of it. */
  acked: SeqRange[];
}

interface StreamsFile {
  readonly store: Store;
  readonly segments: Segments;
  readonly highest: number;
  readonly done: Ranges;
  readonly everAcked: EverAcked;
}

/** What a server that was put back to an older copy may want again, beside the present stream. */
export function olderStreams({ store, segments, highest, done, everAcked }: StreamsFile): OlderStream[] {
  const lowest = store.bounds()?.[0] ?? highest + 1;
  return segments.list
    .slice(0, -1)
    .map((segment) => ({ ...segment, highest: segments.end(segment.base + 1, highest) }))
    .filter((segment) => segment.highest > segment.base && segment.highest >= lowest)
    .slice(-OLDER_MAX)
    .map((segment) => {
      const unacked = done.firstMissing(segment.base + 1);
      return { ...segment, oldestUnacked: unacked <= segment.highest ? unacked : null, acked: everAcked.of(segment) };
    });
}
