import { readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;
const BYTES_PER_MB = 2 ** 20;

/** CPU time a process has used so far, user and system, ms (Linux /proc). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** Resident memory of a process now, MB. */
export function rssMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kilobytes ?? 0) * 1024) / BYTES_PER_MB;
}
