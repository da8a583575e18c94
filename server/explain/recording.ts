import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { MARKERS, header, type AmiEvent } from "../../shared/ami-event.ts";
import { FrameReader } from "../../shared/ami-frame.ts";
import { readMessage } from "../../shared/ami-message.ts";
import type { CallEvent } from "../assemble/index.ts";

/** Bound of an unpacked recording: it is for looking at calls, not at weeks. */
export const RECORDING_BYTES_MAX = 512 * 1024 * 1024;

/** List answers to the snapshot somebody asked for while recording. */
const SNAPSHOT_EVENTS = new Set(["CoreShowChannel", "Status"]);

/** Bytes read together, and when: epoch ms, undefined when nobody noted it. */
interface Piece {
  bytes: Buffer;
  at: number | undefined;
}

/**
 * Reads bytes as AMI sent them (`ami.raw`, also gzipped) as the events of one stream. Their times: the Timestamp
 * header; else the `.times` beside the `.raw` (lines `epoch_ms TAB byte_offset`); else the epoch seconds in the ids of
 * channels, which at least keeps the order.
 * @throws the file system's error when the file cannot be read, zlib's when it unpacks to more than the bound.
 */
export async function readRecording(path: string): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  const reader = new FrameReader();
  const existing: AmiEvent[] = [];
  let now = 0;
  const push = (ev: AmiEvent) => {
    events.push({ stream: 1, seq: events.length + 1, at: now, origin: "live", ev });
  };
  for (const { bytes, at } of await readPieces(path)) {
    for (const frame of reader.push(bytes)) {
      const message = readMessage(frame);
      if (message.kind !== "event") continue;
      now = Math.max(now, at ?? bornMs(message.event));
      if (SNAPSHOT_EVENTS.has(message.event.Event)) existing.push(message.event);
      else if (existing.length > 0) push(snapshotOf(existing.splice(0)));
      push(message.event);
    }
  }
  return events;
}

/** What an agent would have written after such a list: the channels that existed. */
function snapshotOf(existing: readonly AmiEvent[]): AmiEvent {
  const channels = new Map(existing.map((event) => [header(event, "Uniqueid") ?? "", header(event, "Linkedid") ?? ""]));
  return {
    Event: MARKERS.snapshot,
    Uniqueid: [...channels.keys()],
    Linkedid: [...channels.values()],
    Complete: "true",
  };
}

/** A channel's id begins with the second it was made in. */
function bornMs(event: AmiEvent): number {
  return Number(/(\d{1,10})\.\d+$/.exec(header(event, "Uniqueid") ?? "")?.[1] ?? 0) * 1000;
}

async function readPieces(path: string): Promise<Piece[]> {
  const bytes = await readUnpacked(path);
  const bare = path.replace(/\.gz$/, "").replace(/\.raw$/, "");
  const times = [`${bare}.times`, `${bare}.times.gz`].find((file) => file !== path && existsSync(file));
  if (times === undefined) return [{ bytes, at: undefined }];
  const chunks = (await readUnpacked(times)).toString("latin1").split("\n").filter(Boolean).map(readChunk);
  return chunks.map(({ at, offset }, index) => ({ at, bytes: bytes.subarray(offset, chunks[index + 1]?.offset) }));
}

function readChunk(line: string): { at: number; offset: number } {
  const [at, offset] = line.split("\t").map(Number);
  return { at: at ?? 0, offset: offset ?? 0 };
}

async function readUnpacked(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  return path.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: RECORDING_BYTES_MAX }) : bytes;
}
