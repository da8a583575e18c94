import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Random } from "../random.ts";
import { takeUnsynced } from "./unsynced.ts";

const SOURCE = join(import.meta.dirname, "shim.c");
const CONTROL_BYTES = 4096;
const { errno } = constants;

/**
 * The agent's machine as a test can bend it: its wall clock, and the disk below one folder.
 * Works through a preloaded library, so nothing in the agent knows of it. Needs a C compiler.
 */
export interface Machine {
  /** What the agent's process is started with. */
  readonly env: Record<string, string>;
  /** The machine's wall clock, epoch ms. */
  now(): number;
  readonly clockOffsetMs: number;
  setClockOffset(ms: number): void;
  /** While true, writes and syncs below the watched folder wait. */
  stallDisk(on: boolean): void;
  /** While true, writes below the watched folder fail with ENOSPC. */
  fillDisk(on: boolean): void;
  /** Until null, writes and syncs below the watched folder fail: the disk is broken, or was remounted read-only. */
  breakDisk(how: "EIO" | "EROFS" | null): void;
  /** From now on the disk may lose what is written and not synced. */
  noteUnsynced(): void;
  /** While true, syncs below the watched folder say that they are done, and are not. */
  lieAboutSyncs(on: boolean): void;
  /** Takes what was not synced in `dir`, the watched folder as the test sees it; returns how many writes it were. */
  cutPower(dir: string, random: Random): number;
  close(): void;
}

/** Compiles the library into `dir`; without a C compiler the machine cannot be bent, and `null` is returned. */
export function bendableMachine(dir: string, watchedDir: string): Machine | null {
  const library = join(dir, "faults-shim.so");
  const built = spawnSync("cc", ["-shared", "-fPIC", "-O2", "-w", "-o", library, SOURCE, "-ldl"], { encoding: "utf8" });
  if (built.error !== undefined) return null;
  if (built.status !== 0) throw new Error(`The disk and clock shim does not compile: ${built.stderr}`);
  const control = join(dir, "faults-control");
  writeFileSync(control, Buffer.alloc(CONTROL_BYTES));
  const notes = join(dir, "faults-unsynced");
  writeFileSync(notes, "");
  const env = { LD_PRELOAD: library, FAULTS_CONTROL: control, FAULTS_WATCH: watchedDir, FAULTS_UNSYNCED: notes };
  return openMachine(control, notes, env);
}

/** A machine whose clock and disk are as they are. */
export function plainMachine(): Machine {
  const refuse = (): never => {
    throw new Error("This machine cannot be bent: there is no C compiler (cc).");
  };
  return {
    env: {},
    now: () => Date.now(),
    clockOffsetMs: 0,
    setClockOffset: refuse,
    stallDisk: refuse,
    fillDisk: refuse,
    breakDisk: refuse,
    noteUnsynced: refuse,
    lieAboutSyncs: refuse,
    cutPower: refuse,
    close: () => {},
  };
}

function openMachine(controlPath: string, notesPath: string, env: Record<string, string>): Machine {
  const fd = openSync(controlPath, "r+");
  let offsetMs = 0;
  const set = (field: number, value: bigint): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    writeSync(fd, bytes, 0, 8, field * 8);
    fsyncSync(fd);
  };
  return {
    env,
    now: () => Date.now() + offsetMs,
    get clockOffsetMs() {
      return offsetMs;
    },
    setClockOffset: (ms) => {
      offsetMs = ms;
      set(0, BigInt(Math.round(ms)) * 1_000_000n);
    },
    stallDisk: (on) => set(1, on ? 1n : 0n),
    fillDisk: (on) => set(2, on ? BigInt(errno.ENOSPC) : 0n),
    breakDisk: (how) => set(2, how === null ? 0n : BigInt(errno[how])),
    noteUnsynced: () => {
      truncateSync(notesPath);
      set(3, 1n);
    },
    lieAboutSyncs: (on) => set(4, on ? 1n : 0n),
    cutPower: (dir, random) => {
      set(3, 0n);
      return takeUnsynced(notesPath, dir, random);
    },
    close: () => closeSync(fd),
  };
}
