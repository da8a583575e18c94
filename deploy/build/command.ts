import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { RingpostError } from "../../shared/errors.ts";

const execute = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Runs a tool to its end and returns what it printed. @throws RingpostError with what it said last, when it fails. */
export async function tool(program: string, args: readonly string[], options: { cwd?: string } = {}): Promise<string> {
  try {
    const env = { ...process.env, LC_ALL: "C", SOURCE_DATE_EPOCH: "0" };
    return (await execute(program, [...args], { ...options, env, maxBuffer: OUTPUT_BYTES_MAX })).stdout;
  } catch (cause) {
    throw failure(program, args, cause);
  }
}

function failure(program: string, args: readonly string[], cause: unknown): RingpostError {
  const { code, stderr = "" } = cause as { code?: unknown; stderr?: string };
  const missing = code === "ENOENT";
  return new RingpostError({
    code: missing ? "tool_missing" : "tool_failed",
    attempted: `run ${program}`,
    on: args.at(-1) ?? "",
    found: missing ? "it is not installed" : stderr.trim().split("\n").slice(-5).join("; "),
    retry: "no",
    next: "The build needs gcc, g++, strip, objdump and dpkg-deb (Debian: apt-get install g++ binutils dpkg)",
    cause,
  });
}
