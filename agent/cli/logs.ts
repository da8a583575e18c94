import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { scrub } from "../../shared/log.ts";
import { SERVICE } from "../install/system.ts";
import { moment } from "./format.ts";

const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;

/** The last lines the agent logged, from a file or the journal; null when there is neither. Never a secret. */
export function readLog(lines: number, file: string | undefined): string[] | null {
  const text = file === undefined ? fromJournal(lines) : readFileSync(file, "utf8");
  if (text === null) return null;
  const all = text.split("\n").filter((line) => line !== "");
  return all.slice(-lines).map(scrub);
}

function fromJournal(lines: number): string | null {
  try {
    const options = ["-u", SERVICE, "-n", String(lines), "-o", "cat", "--no-pager"];
    return execFileSync("journalctl", options, {
      encoding: "utf8",
      maxBuffer: OUTPUT_BYTES_MAX,
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
  if (fields === null) return line;
  const rest = Object.entries(fields).filter(([name]) => !PLUMBING.has(name));
  const told = rest.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const time = moment(Date.parse(String(fields["time"] ?? "")));
  return [time, String(fields["level"]).padEnd(5), String(fields["msg"]), ...told].join("  ");
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "msg" in value ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
