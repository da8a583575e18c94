import { execFile } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { startProc, type Proc } from "./process.ts";

const REPO = join(import.meta.dirname, "../../..");
const READY_DEADLINE_MS = 60_000;

/** One central server process on a database of ours. It keeps its port over restarts. */
export class ServerUnit {
  readonly name: string;
  readonly port: number;
  readonly #env: Record<string, string | undefined>;
  readonly #workDir: string;
  #proc: Proc | null = null;

  private constructor(options: {
    name: string;
    port: number;
    env: Record<string, string | undefined>;
    workDir: string;
  }) {
    this.name = options.name;
    this.port = options.port;
    this.#env = options.env;
    this.#workDir = options.workDir;
  }

  static async make(
    name: string,
    databaseUrl: string,
    workDir: string,
    extra: Record<string, string> = {},
  ): Promise<ServerUnit> {
    const env = {
      ...extra,
      DATABASE_URL: databaseUrl,
      RINGPOST_DATA_DIR: join(workDir, name),
      NODE_OPTIONS: undefined,
    };
    return new ServerUnit({ name, port: await freePort(), env, workDir });
  }

  get running(): boolean {
    return this.#proc?.alive === true;
  }

  /** Starts it and waits until it says ready. */
  async start(): Promise<void> {
    this.begin();
    await this.#proc!.line(/ready http/, READY_DEADLINE_MS);
  }

  /** Starts it without waiting: it may have to wait for its database. */
  begin(): void {
    this.#proc = startProc({
      name: this.name,
      command: [process.execPath, "server/main.ts", "start", "--port", String(this.port), "--host", "127.0.0.1"],
      cwd: REPO,
      env: this.#env,
      logPath: join(this.#workDir, `${this.name}.log`),
    });
  }

  async kill(): Promise<void> {
    await this.#proc?.kill();
  }

  async end(): Promise<void> {
    await this.#proc?.end();
  }

  stop(): () => void {
    const proc = this.#proc;
    proc?.signal("SIGSTOP");
    return () => proc?.signal("SIGCONT");
  }
}

/** Runs one command of the server's CLI against a database and parses the JSON it prints. */
export async function serverCommand<T>(databaseUrl: string, args: readonly string[]): Promise<T> {
  const env = { ...process.env, DATABASE_URL: databaseUrl, NODE_OPTIONS: undefined };
  const run = await promisify(execFile)(process.execPath, ["server/main.ts", ...args, "--json"], { cwd: REPO, env });
  return JSON.parse(run.stdout) as T;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}
