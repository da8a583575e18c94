import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AgentStatus } from "../../agent/control/agent-status.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;

/** Settings of whoever runs the tests must not reach what the tests start. */
const FOREIGN_SETTINGS = /^(RINGPOST_|PG[A-Z]+$|DATABASE_URL$|VITEST|NODE_OPTIONS$|NOTIFY_SOCKET$)/;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One of Ringpost's own processes, running for real. */
export interface Running {
  readonly pid: number;
  /** Both outputs so far (the last 4 MB). */
  readonly output: string;
  readonly running: boolean;
  /** Each line of standard output, as it comes. */
  onLine(listener: (line: string) => void): void;
  /** Waits for a line of standard output; fails when the process ends before, telling its output. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  exited: Promise<Exit>;
  /** SIGTERM; SIGKILL when it has not gone after 30 s. */
  stop(signal?: "SIGTERM" | "SIGINT"): Promise<Exit>;
  /** SIGKILL. */
  kill(): Promise<Exit>;
  signal(name: NodeJS.Signals): void;
}

export interface RunningServer extends Running {
  url: string;
  port: number;
  /** Connection string as printed; undefined when the database was given by DATABASE_URL. */
  databaseUrl: string | undefined;
}

export interface RunningAgent extends Running {
  configPath: string;
}

/** In the order they were started. */
const alive = new Set<Running>();
process.on("exit", () => {
  for (const running of alive) running.signal("SIGKILL");
});

/** Stops whatever of ours still runs, the youngest first: agents before the server they talk to. */
export async function stopEverything(): Promise<void> {
  for (const running of [...alive].reverse()) await running.stop();
}

/** The flags and settings `npm run agent` and `npm run server` give Node for this script: tests run what people run. */
function nodeOf(script: string): { flags: string[]; settings: Record<string, string> } {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const words = scripts[script.split("/")[0] ?? ""]?.split(" ") ?? [];
  const settings = words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split("=") as [string, string]);
  return { flags: words.filter((word) => word.startsWith("--")), settings: Object.fromEntries(settings) };
}

/** Starts one of the two programs as its own session, so that a Ctrl-C at the terminal reaches only whoever started it. */
export function start(script: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const { flags, settings } = nodeOf(script);
  const child = spawn(process.execPath, [...flags, join(ROOT, script), ...args], {
    cwd: ROOT,
    env: { ...cleanEnv(), ...settings, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const running = watch(child, `${script} ${args[0] ?? ""}`);
  alive.add(running);
  void running.exited.finally(() => alive.delete(running));
  return running;
}

export interface ServerOptions {
  /** Embedded PostgreSQL lives here, unless there is a databaseUrl. */
  dataDir?: string;
  databaseUrl?: string;
  port?: number;
  env?: Record<string, string>;
}

/** Starts the central server and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const args = ["start", "--port", String(options.port ?? 0), "--host", "127.0.0.1"];
  if (options.dataDir !== undefined) args.push("--data-dir", options.dataDir);
  const database = options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl };
  const server = start("server/main.ts", args, { ...database, ...options.env });
  const ready = server.line(/^ready (http:\/\/\S+:(\d+))/);
  const printed = server.line(/^database (.*)/);
  const [[, url, port], [, where]] = await Promise.all([ready, printed]);
  const databaseUrl = where!.startsWith("postgres") ? where : undefined;
  return Object.assign(server, { url: url!, port: Number(port), databaseUrl });
}

export interface AgentOptions {
  serverUrl: string;
  key: string;
  amiPort: number;
  username: string;
  secret: string;
  outboxPath: string;
  liveWindowSeconds?: number;
  /** Where the files of its Asterisk are, and the zone of their times; else as the agent presumes. */
  recover?: { root: string; zone: string };
  env?: Record<string, string>;
}

/** Writes the agent's settings file (secrets: 0600) and returns its path. */
export function writeAgentConfig(dir: string, options: AgentOptions): string {
  const path = join(dir, "agent.toml");
  const quote = (value: string) => JSON.stringify(value);
  const { root, zone } = options.recover ?? {};
  const recover =
    root === undefined || zone === undefined ? "" : `\n[recover]\nroot = ${quote(root)}\nzone = ${quote(zone)}\n`;
  const text = `[server]
url = ${quote(options.serverUrl)}
key = ${quote(options.key)}

[ami]
host = "127.0.0.1"
port = ${options.amiPort}
username = ${quote(options.username)}
secret = ${quote(options.secret)}

[outbox]
path = ${quote(options.outboxPath)}

[live]
window_seconds = ${options.liveWindowSeconds ?? 15}
${recover}`;
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Starts an agent with a settings file; it is up once it says so in its log or its PBX sees it log in. */
export function startAgent(configPath: string, env: Record<string, string> = {}): RunningAgent {
  return Object.assign(start("agent/main.ts", ["run", "--config", configPath], env), { configPath });
}

/** Runs a command of the server or the agent to its end. */
export async function run(
  script: "server/main.ts" | "agent/main.ts",
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; output: string }> {
  const command = start(script, args, env);
  const lines: string[] = [];
  command.onLine((line) => lines.push(line));
  const { code } = await command.exited;
  return { code, stdout: lines.join("\n"), output: command.output };
}

/** Like run, but for commands that answer JSON and must succeed. */
export async function runJson<T>(
  script: "server/main.ts" | "agent/main.ts",
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<T> {
  const { code, stdout, output } = await run(script, [...args, "--json"], env);
  if (code !== 0) throw new Error(`${script} ${args.join(" ")} ended with ${code}: ${output}`);
  return JSON.parse(stdout) as T;
}

/** What a running agent says of itself; its exit status tells how bad that is, and is not asked here. */
export async function agentStatus(configPath: string): Promise<AgentStatus> {
  const { stdout, output } = await run("agent/main.ts", ["status", "--config", configPath, "--json"]);
  const status = JSON.parse(stdout || "null") as AgentStatus | { running: false } | null;
  if (status?.running !== true) throw new Error(`No agent answers for ${configPath}: ${output}`);
  return status;
}

/** A private folder under the machine's temporary folder; `remove` deletes it with all it holds. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "ringpost-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

function cleanEnv(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !FOREIGN_SETTINGS.test(name));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function watch(child: ChildProcess, name: string): Running {
  let output = "";
  let exit: Exit | undefined;
  const listeners = new Set<(line: string) => void>();
  const keep = (line: string) => (output = `${output}${line}\n`.slice(-OUTPUT_BYTES_MAX));
  createInterface({ input: child.stderr! }).on("line", keep);
  createInterface({ input: child.stdout! }).on("line", (line) => {
    keep(line);
    for (const listener of listeners) listener(line);
  });
  const exited = once(child, "close").then(([code, signal]): Exit => {
    exit = { code: code as number | null, signal: signal as NodeJS.Signals | null };
    return exit;
  });
  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    return exited.finally(() => clearTimeout(force));
  };
  return {
    pid: child.pid!,
    get output() {
      return output;
    },
    get running() {
      return exit === undefined;
    },
    onLine: (listener) => void listeners.add(listener),
    line: (pattern, timeoutMs = START_MS_MAX) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(failure(`said nothing like ${pattern} in ${timeoutMs} ms`)), timeoutMs);
        const failure = (what: string) => new Error(`${name} ${what}. Its output:\n${output}`);
        listeners.add((line) => {
          const match = pattern.exec(line);
          if (match === null) return;
          clearTimeout(timer);
          resolve(match);
        });
        void exited.then(({ code, signal }) => {
          clearTimeout(timer);
          reject(failure(`ended (status ${code}, signal ${signal}) before it said ${pattern}`));
        });
      }),
    exited,
    stop: (signal = "SIGTERM") => end(signal),
    kill: () => end("SIGKILL"),
    signal: (signal) => void child.kill(signal),
  };
}
