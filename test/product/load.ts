import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMs, rssMb } from "../../bench/process-cost.ts";
import { recording } from "../../bench/recording.ts";
import { BINARY } from "../../deploy/build/paths.ts";
import { FakeServer } from "../agent/fake-server.ts";
import { DEMO_USER, startPbx } from "../support/pbx/pbx.ts";

// What the installed binary costs the PBX it stands on: idle, and with calls. Prints one JSON object.
const IDLE_SECONDS = 30;
const CALLS = 1_000;
const CALLS_PER_SECOND = 20;

if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: npm run build:agent`);
const folder = mkdtempSync(join(tmpdir(), "ringpost-load-"));
const outbox = join(folder, "outbox.db");
const server = await FakeServer.start();
const pbx = await startPbx({ writeTimeoutMs: null });
writeFileSync(
  join(folder, "agent.toml"),
  `[server]\nurl = "${server.url}"\nkey = "rp_1_measured"\n[ami]\nport = ${pbx.port}\nusername = "${DEMO_USER.username}"\nsecret = "${DEMO_USER.secret}"\n[outbox]\npath = "${outbox}"\n`,
  { mode: 0o600 },
);
const agent = spawn(BINARY, ["run", "--config", join(folder, "agent.toml")], { stdio: "ignore" });
const pid = agent.pid ?? 0;
try {
  await pbx.clientReady();
  await sleep(5_000);
  const idle = await costOf(() => sleep(IDLE_SECONDS * 1_000));
  const idleRss = rssMb(pid);
  const sizeBefore = statSync(outbox).size;
  const busy = await costOf(async () => {
    await pbx.load(recording("incoming_answered"), { callsPerSecond: CALLS_PER_SECOND, calls: CALLS, speed: 4 }).done;
    await sleep(3_000);
  });
  const events = server.events.length;
  console.log(
    JSON.stringify(
      {
        idle_cpu_percent: round((idle.cpuMs / (IDLE_SECONDS * 1_000)) * 100),
        idle_rss_mb: Math.round(idleRss),
        calls: CALLS,
        calls_per_second: CALLS_PER_SECOND,
        events,
        cpu_ms_per_1000_calls: Math.round(busy.cpuMs),
        busy_rss_mb: Math.round(rssMb(pid)),
        written_kb_per_call: round(busy.writtenBytes / CALLS / 1024),
        outbox_kb_per_call: round((statSync(outbox).size - sizeBefore) / CALLS / 1024),
      },
      null,
      2,
    ),
  );
} finally {
  const ended = new Promise((done) => agent.once("exit", done));
  agent.kill("SIGTERM");
  await ended;
  await pbx.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function costOf(work: () => Promise<unknown>): Promise<{ cpuMs: number; writtenBytes: number }> {
  const before = { cpu: cpuMs(pid), written: writtenBytes() };
  await work();
  return { cpuMs: cpuMs(pid) - before.cpu, writtenBytes: writtenBytes() - before.written };
}

/** What the process had written to the disk, not to pipes and sockets. */
function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
