import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = fileURLToPath(new URL("../../server/main.ts", import.meta.url));

export interface Outcome {
  status: number | null;
  out: string;
  err: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  uid?: number;
  /** Through npm, as the README says it; slower. */
  npm?: boolean;
}

/** An environment without any setting of the machine the tests run on. */
function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(RINGPOST_|DATABASE_URL|LANG|LC_|PG|NODE_OPTIONS)/.test(name),
  );
  return { ...Object.fromEntries(kept as [string, string][]), ...extra };
}

export function spawnServer(args: readonly string[], { env, uid, npm = false }: RunOptions = {}): ChildProcess {
  const [command, ...first] = npm ? ["npm", "run", "-s", "server", "--"] : [process.execPath, MAIN];
  const user = uid === undefined ? {} : { uid, gid: uid };
  const cwd = uid === undefined ? ROOT : "/";
  return spawn(command ?? "", [...first, ...args], {
    cwd,
    env: cleanEnv(env),
    stdio: ["ignore", "pipe", "pipe"],
    ...user,
  });
}

/** Runs a command to its end. */
export async function server(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  const child = spawnServer(args, options);
  const output = collect(child);
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...output };
}

export function collect(child: ChildProcess): { out: string; err: string } {
  const output = { out: "", err: "" };
  child.stdout?.on("data", (chunk) => (output.out += String(chunk)));
  child.stderr?.on("data", (chunk) => (output.err += String(chunk)));
  return output;
}

export interface Running {
  process: ChildProcess;
  /** http://127.0.0.1:<port> */
  address: string;
  databaseUrl: string;
  output: { out: string; err: string };
  /** Sends the signal and resolves with the exit status (null: killed). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts the server on a free port and waits for its ready line. */
export async function startServer(options: RunOptions = {}): Promise<Running> {
  const child = spawnServer(["start", "--port", "0"], options);
  const output = collect(child);
  const ended = once(child, "close") as Promise<[number | null]>;
  while (!/^database /m.test(output.out)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${output.err}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const address = /^ready (\S+)$/m.exec(output.out)?.[1] ?? "";
  const databaseUrl = /^database (\S+)$/m.exec(output.out)?.[1] ?? "";
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return (await ended)[0];
  };
  return { process: child, address, databaseUrl, output, end };
}
