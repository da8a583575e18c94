import { execFileSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { messageOf, RingpostError } from "../../shared/errors.ts";
import { scrub } from "../../shared/log.ts";
import { SERVICE } from "../install/system.ts";
import { harmless, moment } from "./format.ts";

/** Of a log that is longer its end is read. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;

/**
 * The last lines the agent logged, from a file or the journal; null when there is neither. Never a secret.
 * @throws RingpostError when the file cannot be read.
 */
export function readLog(lines: number, file: string | undefined): string[] | null {
  const text = file === undefined ? fromJournal(lines) : endOf(file);
  if (text === null) return null;
  const all = text.split("\n").filter((line) => line !== "");
  return all.slice(-lines).map(scrub);
}

function endOf(file: string): string {
  try {
    return lastBytesOf(file);
  } catch (cause) {
    throw new RingpostError({
      code: "log_unreadable",
      attempted: "read the log",
      on: file,
      found: messageOf(cause),
      retry: "no",
      next: "Name a file that exists and that this user may read",
      cause,
    });
  }
}

function lastBytesOf(file: string): string {
  const fd = openSync(file, "r");
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, LOG_BYTES_MAX));
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(fd);
  }
}

function fromJournal(lines: number): string | null {
  try {
    const options = ["-u", SERVICE, "-n", String(lines), "-o", "cat", "--no-pager"];
    return execFileSync("journalctl", options, {
      encoding: "utf8",
      maxBuffer: LOG_BYTES_MAX,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return null;
  }
}

const PLUMBING = new Set(["level", "time", "pid", "hostname", "name", "msg"]);

/** A JSON line of the log as a person reads it; any other line as it is. */
export function viewLogLine(line: string): string {
  const fields = parse(line);
  if (fields === null) return harmless(line);
  const rest = Object.entries(fields).filter(([name]) => !PLUMBING.has(name));
  const told = rest.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const time = moment(Date.parse(String(fields["time"] ?? "")));
  return harmless([time, String(fields["level"]).padEnd(5), String(fields["msg"]), ...told].join("  "));
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "msg" in value ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
