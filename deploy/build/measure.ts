import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const STARTS = 5;
const SETTLE_MS = 4_000;

export interface Measured {
  bytes: number;
  /** Median of a `--version`, from nothing to its end. */
  startMs: number;
  /** Of an agent with neither AMI nor server, some seconds after its start; and the part of it that is its own. */
  rssBytes: number;
  anonymousBytes: number;
}

export async function measure(binary: string): Promise<Measured> {
  const starts: number[] = [];
  for (let n = 0; n < STARTS; n++) {
    const startedAt = performance.now();
    await execute(binary, ["--version"]);
    starts.push(performance.now() - startedAt);
  }
  const { rss, anonymous } = await memoryOf(binary);
  const startMs = Math.round(starts.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] ?? 0);
  return { bytes: (await stat(binary)).size, startMs, rssBytes: rss, anonymousBytes: anonymous };
}

async function memoryOf(binary: string): Promise<{ rss: number; anonymous: number }> {
  const folder = await mkdtemp(join(tmpdir(), "ringpost-measure-"));
  const config = join(folder, "agent.toml");
  await writeFile(config, settings(join(folder, "outbox.db")), { mode: 0o600 });
  const agent = spawn(binary, ["run", "--config", config], { stdio: "ignore" });
  try {
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    const status = await readFile(`/proc/${agent.pid ?? 0}/status`, "utf8");
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
    return { rss: bytes("VmRSS"), anonymous: bytes("RssAnon") };
  } finally {
    await end(agent);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Port 9 is nobody's: the agent keeps trying, as at night. */
function settings(outbox: string): string {
  return [
    '[server]\nurl = "http://127.0.0.1:9"\nkey = "rp_1_measured"',
    '[ami]\nport = 9\nusername = "m"\nsecret = "m"',
    `[outbox]\npath = ${JSON.stringify(outbox)}\n`,
  ].join("\n");
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await ended;
}
