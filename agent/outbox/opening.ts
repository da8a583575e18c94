import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Ballast } from "./ballast.ts";
import { classify } from "./failure.ts";
import type { Gap } from "../markers.ts";
import { Pending } from "./pending.ts";
import type { KeeperPorts } from "./ports.ts";
import { Ranges } from "./ranges.ts";
import { type Damaged, type Known, openDamaged, salvage, setFileAside } from "./salvage.ts";
import { Segments } from "./segments.ts";
import { Store } from "./store.ts";

export interface Opening {
  store: Store;
  segments: Segments;
  highest: number;
  done: Ranges;
  /** New events take another stream than the file's older ones. */
  continues: boolean;
  /** What a damaged file cost. */
  gaps: Gap[];
  /** What the file must still be told: on a full disk it waits. */
  pending: Pending;
  /** Device and inode, and when the file was made; epoch ms. */
  place: string;
  bornMs: number;
}

/**
 * Opens the outbox, whatever state it is in. A new file is a new stream; so is one that was copied here from another
 * machine or brought back from a backup, as far as its inode tells. A damaged file is set aside and its rows are saved.
 * @throws the error of a file that another agent has, or that cannot be opened at all.
 */
export function openOutbox(path: string, ports: KeeperPorts, ballast: Ballast, known?: Known): Opening {
  if (known !== undefined) return reborn(path, ports, known);
  try {
    return opened(path, openStore(path, ballast), ports);
  } catch (error) {
    if (classify(error) !== "corrupt") throw error;
    ports.note("error", "the outbox file is damaged", { path, error: String(error) });
    return reborn(path, ports);
  }
}

function openStore(path: string, ballast: Ballast): Store {
  try {
    return new Store(path);
  } catch (error) {
    if (classify(error) === "full" && ballast.release()) return new Store(path);
    throw error;
  }
}

function opened(path: string, store: Store, ports: KeeperPorts): Opening {
  try {
    // Read for damage: whatever table it is in, it is found before the agent relies on the file.
    store.setAsideCount();
    const segments = store.segments;
    const highest = Math.max(store.highestEver(), store.bounds()?.[1] ?? 0, segments.at(-1)?.base ?? 0);
    const pending = new Pending();
    const fresh = segments.length === 0;
    const here = identityOf(path);
    const replaced = fresh || store.recall("identity") !== here;
    if (replaced) {
      const segment = { base: highest, stream: randomUUID() };
      pending.addSegment(segment);
      pending.remember("identity", here);
      segments.push(segment);
      const what = fresh ? "new outbox" : "the outbox file was copied or restored: it takes a new stream";
      ports.note(fresh ? "info" : "warn", what, { path, stream: segment.stream });
    }
    const continues = replaced && !fresh;
    return {
      store,
      segments: new Segments(segments),
      highest,
      done: new Ranges(store.acked),
      continues,
      gaps: [],
      pending,
      ...placeOf(path),
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

function reborn(path: string, ports: KeeperPorts, known?: Known): Opening {
  const aside = setFileAside(path, ports.clock.wallMs());
  const damaged = openDamaged(aside);
  try {
    ports.note("error", "the damaged outbox file is set aside", { aside });
    return savedInto(path, damaged, ports, known);
  } finally {
    damaged.db?.close();
  }
}

function savedInto(path: string, damaged: Damaged, ports: KeeperPorts, known?: Known): Opening {
  const store = new Store(path);
  const saved = salvage(damaged, store, ports.clock.wallMs(), known);
  const pending = new Pending();
  for (const segment of saved.segments) pending.addSegment(segment);
  pending.remember("identity", identityOf(path));
  ports.note("warn", "what is legible of the damaged outbox is in a new file", {
    saved: saved.savedRows,
    stream: saved.segments.at(-1)?.stream,
  });
  const { segments, highest, done, gaps } = saved;
  const continues = segments.length > 1;
  return { store, segments: new Segments(segments), highest, done, continues, gaps, pending, ...placeOf(path) };
}

/** Whether the file that is open is still the one under its path. */
export function isInPlace(path: string, { place }: Opening): boolean {
  return placeOf(path).place === place;
}

/**
 * The file was removed, or another was put in its place, while it is open: all of it is written anew under its path, and stays
 * the same stream. What lies there instead is set aside. @throws when the disk does not take it; the open file goes on.
 */
export function rewrite(path: string, file: Opening, ports: KeeperPorts): Opening {
  clearPlace(path, ports);
  try {
    file.store.copyTo(path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  const store = new Store(path);
  file.store.close();
  file.pending.remember("identity", identityOf(path));
  ports.note("warn", "the outbox file was removed or replaced while the agent runs: it is written anew", { path });
  return { ...file, store, ...placeOf(path) };
}

/** Like `rewrite` where the open file is damaged as well: what is legible of it is saved, as of one that is set aside. */
export function rescue(path: string, file: Opening, ports: KeeperPorts, known: Known): Opening {
  clearPlace(path, ports);
  const saved = savedInto(path, { db: file.store.db, bornMs: file.bornMs }, ports, known);
  file.store.close();
  return saved;
}

function clearPlace(path: string, ports: KeeperPorts): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) setFileAside(path, ports.clock.wallMs());
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

/**
 * Machine, inode and birth: a copy on another machine and a file brought back by a backup program have others.
 * One that was overwritten in place has not; the server's word on how far it holds the stream tells that one.
 */
function identityOf(path: string): string {
  const { dev, ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${machineId()} ${dev} ${ino} ${birthtimeNs}`;
}

/** No place when nothing is there. While the file is open nobody else gets its inode. */
function placeOf(path: string): { place: string; bornMs: number } {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return { place: "", bornMs: 0 };
  return { place: `${found.dev} ${found.ino}`, bornMs: Number(found.birthtimeMs) };
}

function machineId(): string {
  try {
    return readFileSync("/etc/machine-id", "utf8").trim();
  } catch {
    return "no-machine-id";
  }
}
