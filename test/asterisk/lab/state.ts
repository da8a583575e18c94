import { readFile, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import type { LabPorts } from "./config.ts";
import type { LabPaths } from "./paths.ts";

/** What a running PBX is known by. */
export interface LabState {
  pid: number;
  /** Start time of that process in clock ticks since boot: a pid alone may be somebody else's by now. */
  born: string;
  ports: LabPorts;
  secret: string;
  timestamps: boolean;
  version: string;
}

/** The running PBX, or null when there is none (a stale file counts as none). */
export async function readState(paths: LabPaths): Promise<LabState | null> {
  const text = await readFile(paths.state, "utf8").catch(() => null);
  if (text === null) return null;
  const state = JSON.parse(text) as LabState;
  return isAlive(state) ? state : null;
}

export async function writeState(paths: LabPaths, state: LabState): Promise<void> {
  await writeFile(paths.state, JSON.stringify(state, null, 2), { mode: 0o600 });
}

export async function forgetState(paths: LabPaths): Promise<void> {
  await rm(paths.state, { force: true });
}

export function isAlive(state: Pick<LabState, "pid" | "born">): boolean {
  return bornAt(state.pid) === state.born;
}

/**
 * Start time of a process as /proc tells it; null when there is no such process (or only its remains). A killed process whose
 * first thread is gone holds its sockets until the last one is: a new Asterisk would find the old one's and give up.
 */
export function bornAt(pid: number): string | null {
  const fields = statFields(pid);
  const gone = fields === null || (fields[0] === "Z" && Number(fields[17]) <= 1);
  return gone ? null : (fields[19] ?? null);
}

/** User and system time a process has used, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = statFields(pid);
  return fields === null ? 0 : (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const status = readProc(`/proc/${pid}/status`) ?? "";
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Linux counts process time in hundredths of a second. */
const MS_PER_TICK = 10;

/** The fields of /proc/PID/stat after the command's name: state is 0, utime 11, stime 12, threads 17, starttime 19. */
function statFields(pid: number): string[] | null {
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readProc(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
