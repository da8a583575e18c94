import { RingpostError } from "../../../shared/errors.ts";
import type { JsonObject } from "../json.ts";

/** Where to go on reading: what the source itself understands, kept as JSON. */
export type Position = JsonObject;

/** One thing read: a document, or what could not be read as one. */
export type SourceItem = { bytes: number; where: string } & (
  | { document: JsonObject }
  | { unreadable: { detail: string; raw: string } }
);

export interface SourceChunk {
  items: SourceItem[];
  /** After the last item: reading goes on from here. */
  position: Position;
  /** How far the reading is in `total.bytes`; null where that is not known. */
  bytesRead: number | null;
}

export interface Bounds {
  /** Documents in one chunk. */
  documentsMax: number;
  /** Bytes in one chunk; one document may be more. */
  bytesMax: number;
}

/** Something to bring over, read in one order, from any position it gave before. */
export interface Source {
  /** What it is, without credentials; the same again means the same progress. */
  name: string;
  /** Tells whether what is read is still what was read before; another one means reading from the beginning. */
  fingerprint: string;
  total: { documents: number | null; bytes: number | null };
  read(from: Position | null, bounds: Bounds): AsyncIterable<SourceChunk>;
  close(): Promise<void>;
}

export interface Progress {
  position(): Position;
  bytesRead(): number | null;
}

/** Groups items into chunks. `progress` is asked right after an item, when its reader stands behind that very item. */
export async function* chunked(
  items: AsyncIterable<SourceItem>,
  { documentsMax, bytesMax }: Bounds,
  progress: Progress,
): AsyncGenerator<SourceChunk> {
  let chunk: SourceItem[] = [];
  let bytes = 0;
  for await (const item of items) {
    chunk.push(item);
    bytes += item.bytes;
    if (chunk.length < documentsMax && bytes < bytesMax) continue;
    yield { items: chunk, position: progress.position(), bytesRead: progress.bytesRead() };
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield { items: chunk, position: progress.position(), bytesRead: progress.bytesRead() };
}

/** The source itself is broken from here on; what came before is brought over. */
export function damaged(on: string, found: string, cause?: unknown): RingpostError {
  return new RingpostError({
    code: "source_damaged",
    attempted: "read the documents",
    on,
    found,
    retry: "no",
    next: "Everything before this place is brought over. Make the dump or export again, then import that.",
    ...(cause === undefined ? {} : { cause }),
  });
}
