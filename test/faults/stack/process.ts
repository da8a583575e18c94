import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const EXIT_DEADLINE_MS = 15_000;

/** A real process of the product under test, its output kept in a log file. */
export interface Proc {
  readonly name: string;
  readonly pid: number;
  readonly alive: boolean;
  /** Resolves with its exit code or signal. */
  readonly exited: Promise<number | string>;
  signal(signal: NodeJS.Signals): void;
  /** Kills at once and waits until it is gone. */
  kill(): Promise<void>;
  /** Asks it to end; kills it when it does not within 15 s. Returns whether it ended by itself. */
  end(): Promise<boolean>;
  /** Resolves with the first line of output that matches; rejects when the process ends before. */
  line(pattern: RegExp, deadlineMs: number): Promise<string>;
}

export interface ProcOptions {
  name: string;
  command: readonly string[];
  cwd: string;
  env: Record<string, string | undefined>;
  logPath: string;
}

/** Nothing outlives the test. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export function startProc(options: ProcOptions): Proc {
  const [file, ...args] = options.command;
  const child = spawn(file!, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(options.logPath, { flags: "a" });
  const seen: string[] = [];
  const watchers = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      log.write(`${line}\n`);
      if (seen.length < 200) seen.push(line);
      for (const watcher of watchers) watcher(line);
    });
  }
  const exited = new Promise<number | string>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "gone"));
    child.once("error", (error) => resolve(error.message));
  });
  alive.add(child);
  void exited.then(() => {
    alive.delete(child);
    log.end();
  });
  return {
    name: options.name,
    pid: child.pid ?? 0,
    exited,
    get alive() {
      return running(child);
    },
    signal: (signal) => void child.kill(signal),
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    end: () => endOrKill(child, exited),
    line: (pattern, deadlineMs) => waitForLine({ name: options.name, seen, watchers, exited, pattern, deadlineMs }),
  };
}

/** A process and all below it. */
export function familyOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? parentOf(entry) : null;
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const family = [pid];
  for (let i = 0; i < family.length; i++) family.push(...(children.get(family[i]!) ?? []));
  return family;
}

/** Resident memory of a process in bytes, or null when it is gone. */
export function residentBytes(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

function parentOf(entry: string): number | null {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null; // it ended while we looked
  }
}

function running(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function endOrKill(child: ChildProcess, exited: Promise<unknown>): Promise<boolean> {
  if (!running(child)) return true;
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  let byItself = true;
  const timer = setTimeout(() => {
    byItself = false;
    child.kill("SIGKILL");
  }, EXIT_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
  return byItself;
}

async function waitForLine(wait: {
  name: string;
  seen: readonly string[];
  watchers: Set<(line: string) => void>;
  exited: Promise<number | string>;
  pattern: RegExp;
  deadlineMs: number;
}): Promise<string> {
  const already = wait.seen.find((line) => wait.pattern.test(line));
  if (already !== undefined) return already;
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => fail(`said nothing like ${wait.pattern} within ${wait.deadlineMs} ms`),
      wait.deadlineMs,
    );
    const fail = (why: string): void => {
      finish();
      reject(new Error(`${wait.name} ${why}. Its last words:\n${wait.seen.slice(-10).join("\n")}`));
    };
    const watcher = (line: string): void => {
      if (!wait.pattern.test(line)) return;
      finish();
      resolve(line);
    };
    const finish = (): void => {
      clearTimeout(timer);
      wait.watchers.delete(watcher);
    };
    wait.watchers.add(watcher);
    void wait.exited.then((how) => fail(`ended (${how})`));
  });
}
