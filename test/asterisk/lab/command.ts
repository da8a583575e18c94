import { spawn } from "node:child_process";
import { appendFile } from "node:fs/promises";

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Everything it says is added to this file. */
  log?: string;
  timeoutMsMax?: number;
  env?: NodeJS.ProcessEnv;
}

/** Runs a command to its end and returns what it said; a missing program is status 127. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await collect(program, args, options);
  if (options.log !== undefined) await appendFile(options.log, result.stdout + result.stderr);
  return result;
}

function collect(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((done) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env ?? process.env,
      ...(options.timeoutMsMax === undefined ? {} : { timeout: options.timeoutMsMax }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", (error) => done({ status: 127, stdout, stderr: error.message }));
    child.once("close", (status) => done({ status, stdout, stderr }));
  });
}

/** Whether the shell would find the program. */
export async function exists(program: string): Promise<boolean> {
  return (await run("sh", ["-c", 'command -v "$1"', "sh", program])).status === 0;
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** The last line a program said; undefined when it said nothing. */
export function lastLine(text: string): string | undefined {
  return text.trim().split("\n").filter(Boolean).at(-1);
}
