import { messageOf, RingpostError } from "../../../shared/errors.ts";

/** In the order they are told. */
export const CHECK_NAMES = [
  "config",
  "running",
  "hearing",
  "asterisk",
  "ami_reachable",
  "ami_login",
  "asterisk_version",
  "rights_needed",
  "rights_wide",
  "write_timeout",
  "timestamp_events",
  "system_name",
  "ami_closed",
  "cdr_cel",
  "outbox",
  "wal",
  "disk_space",
  "disk_speed",
  "dns",
  "tls",
  "certificate",
  "key",
  "clock_server",
  "clock_pbx",
  "timezone",
  "service",
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export type Result = "pass" | "warn" | "fail" | "skip";

export interface Check {
  name: CheckName;
  result: Result;
  /** What was found, short. */
  found: string;
}

/** What came back, without the advice around it: the check has its own. */
export function foundOf(error: unknown): string {
  return error instanceof RingpostError ? error.failure.found : messageOf(error);
}

export const pass = (name: CheckName, found: string): Check => ({ name, result: "pass", found });
export const warn = (name: CheckName, found: string): Check => ({ name, result: "warn", found });
export const fail = (name: CheckName, found: string): Check => ({ name, result: "fail", found });
export const skip = (name: CheckName, found: string): Check => ({ name, result: "skip", found });

/** `good` when it holds, else `bad`'s severity. */
export function judge(name: CheckName, holds: boolean, found: string, otherwise: "warn" | "fail"): Check {
  return { name, result: holds ? "pass" : otherwise, found };
}
