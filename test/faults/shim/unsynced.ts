import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../random.ts";

const HEAD_BYTES = 6 * 8;
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/** A note of shim.c: something was done to a file. */
interface Note {
  kind: "change" | "sync" | "length";
  inode: number;
  at: number;
  old: Buffer;
  fresh: Buffer;
  /** Length of the file before. */
  length: number;
}

/**
 * Does to the files below `dir` what a cut of the power does: whatever was written after a file's last sync is taken back, or
 * only some sectors of it, in no order. Returns how many changes had not been synced. The process must be gone.
 */
export function takeUnsynced(notesPath: string, dir: string, random: Random): number {
  const survives = random.pick([0, 0.5, 0.9]);
  const pending = unsynced(readNotes(readFileSync(notesPath)));
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const changes = pending.get(statSync(path).ino) ?? [];
    if (changes.length === 0) continue;
    const file = openSync(path, "r+");
    for (const change of changes.toReversed()) undo(file, change);
    for (const change of changes) doPartly(file, change, () => random.chance(survives));
    closeSync(file);
  }
  return [...pending.values()].reduce((sum, changes) => sum + changes.length, 0);
}

/** The last one may be torn: what it announced was not done. */
function readNotes(bytes: Buffer): Note[] {
  const notes: Note[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const [kind, inode, offset, oldBytes, freshBytes, length] = Array.from({ length: 6 }, (_, field) =>
      Number(bytes.readBigInt64LE(at + field * 8)),
    ) as [number, number, number, number, number, number];
    const [old, fresh] = [at + HEAD_BYTES, at + HEAD_BYTES + oldBytes];
    at = fresh + freshBytes;
    if (at > bytes.length) break;
    notes.push({
      kind: (["change", "sync", "length"] as const)[kind - 1]!,
      inode,
      at: offset,
      old: bytes.subarray(old, fresh),
      fresh: bytes.subarray(fresh, at),
      length,
    });
  }
  return notes;
}

/** By inode: what was done since its last sync. */
function unsynced(notes: readonly Note[]): Map<number, Note[]> {
  const pending = new Map<number, Note[]>();
  for (const note of notes) {
    if (note.kind === "sync") pending.delete(note.inode);
    else pending.set(note.inode, [...(pending.get(note.inode) ?? []), note]);
  }
  return pending;
}

function undo(file: number, { at, old, length }: Note): void {
  writeSync(file, old, 0, old.length, at);
  ftruncateSync(file, length);
}

function doPartly(file: number, { kind, at, fresh }: Note, survives: () => boolean): void {
  if (kind === "length") {
    if (survives()) ftruncateSync(file, at);
    return;
  }
  for (let from = 0; from < fresh.length;) {
    const to = Math.min(fresh.length, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES));
    if (survives()) writeSync(file, fresh, from, to - from, at + from);
    from = to;
  }
}
