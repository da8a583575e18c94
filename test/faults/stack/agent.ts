import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hinder, type Journal } from "../oracle/journal.ts";
import { AMI_SECRET, AMI_USER } from "../oracle/pbx.ts";
import type { Machine } from "../shim/shim.ts";
import { residentBytes, startProc, type Proc } from "./process.ts";

const REPO = join(import.meta.dirname, "../../..");

export interface AgentOptions {
  name: string;
  pbx: string;
  amiPort: number;
  serverUrl: string;
  siteKey: string;
  /** Folder of the outbox as the agent sees it, and as the test does. */
  outboxDir: string;
  outboxDirOutside: string;
  /** Put before the command (a mount namespace). */
  enter: readonly string[];
  /** Where its settings and log are kept. */
  workDir: string;
  liveWindowSeconds: number;
  machine: Machine;
  journal: Journal;
  extraToml?: string;
  /** The one-file program to be run; absent: the sources, as `npm run agent` does. */
  binary?: string;
}

/** The agent under test: started, killed, stopped and continued as a real process; the journal is told. */
export class AgentUnit {
  readonly options: AgentOptions;
  readonly #config: string;
  #proc: Proc | null = null;
  #revived: () => void;

  constructor(options: AgentOptions) {
    this.options = options;
    this.#config = join(options.workDir, `${options.name}.toml`);
    mkdirSync(options.outboxDirOutside, { recursive: true });
    writeFileSync(this.#config, toml(options));
    this.#revived = hinder(options.journal, options.pbx, "dead");
  }

  get configPath(): string {
    return this.#config;
  }

  /** The outbox file, as the test sees it. */
  get outboxFile(): string {
    return join(this.options.outboxDirOutside, "outbox.db");
  }

  get residentBytes(): number | null {
    return this.#proc === null ? null : residentBytes(this.#proc.pid);
  }

  get running(): boolean {
    return this.#proc?.alive === true;
  }

  start(): void {
    const { name, enter, machine, workDir } = this.options;
    const { command, env } =
      this.options.binary === undefined ? fromSources() : { command: [this.options.binary], env: {} };
    this.#proc = startProc({
      name,
      command: [...enter, ...command, "run", "--config", this.#config],
      cwd: REPO,
      env: { ...env, ...machine.env, NODE_OPTIONS: undefined },
      logPath: join(workDir, `${name}.log`),
    });
    this.#revived();
  }

  /** The end of its log. */
  lastWords(): string {
    return readFileSync(join(this.options.workDir, `${this.options.name}.log`), "utf8").slice(-2_000);
  }

  async kill(): Promise<void> {
    this.#revived = hinder(this.options.journal, this.options.pbx, "dead");
    await this.#proc?.kill();
  }

  /** Asks it to end as systemd does. Returns whether it did by itself. */
  async end(): Promise<boolean> {
    const byItself = (await this.#proc?.end()) ?? true;
    this.#revived = hinder(this.options.journal, this.options.pbx, "dead");
    return byItself;
  }

  /** SIGSTOP; call what it returns for SIGCONT. */
  stop(): () => void {
    const proc = this.#proc;
    const done = hinder(this.options.journal, this.options.pbx, "stopped");
    proc?.signal("SIGSTOP");
    return () => {
      proc?.signal("SIGCONT");
      done();
    };
  }
}

/** With flags and environment as `npm run agent` gives them. */
function fromSources(): { command: string[]; env: Record<string, string> } {
  const { scripts } = JSON.parse(readFileSync(join(REPO, "package.json"), "utf8")) as { scripts: { agent: string } };
  const words = scripts.agent.split(" ");
  const assignments = words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split("=") as [string, string]);
  const flags = words.filter((word) => word.startsWith("--"));
  return { command: [process.execPath, ...flags, join(REPO, "agent/main.ts")], env: Object.fromEntries(assignments) };
}

function toml(options: AgentOptions): string {
  return `
[server]
url = "${options.serverUrl}"
key = "${options.siteKey}"
[ami]
host = "127.0.0.1"
port = ${options.amiPort}
username = "${AMI_USER}"
secret = "${AMI_SECRET}"
[outbox]
path = "${join(options.outboxDir, "outbox.db")}"
[live]
window_seconds = ${options.liveWindowSeconds}
${options.extraToml ?? ""}
`;
}
