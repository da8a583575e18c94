import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeAmi } from "./fake-ami.ts";
import { FakeServer } from "./fake-server.ts";

const MAIN = join(import.meta.dirname, "../../agent/main.ts");
/** A disk of its own needs a mount namespace, which some kernels and containers refuse. */
const canMount = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
const DISK_MB = 128;

let folder: string;
let server: FakeServer;
let ami: FakeAmi;
let child: ChildProcess | null;
let output = "";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-disk-"));
  [server, ami, child, output] = [await FakeServer.start(), await FakeAmi.start(), null, ""];
});
afterEach(async () => {
  if (child !== null && child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  await Promise.all([server.stop(), ami.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The agent on a disk of 128 MB. `before` runs on that disk first. */
function start(before = "true"): ChildProcess {
  const config = join(folder, "agent.toml");
  writeFileSync(
    config,
    `[server]\nurl = "${server.url}"\nkey = "rp_1_k"\n[ami]\nport = ${ami.port}\nusername = "a"\nsecret = "s"\n[outbox]\npath = "${folder}/disk/outbox.db"\n`,
  );
  const script = `mkdir -p disk && mount -t tmpfs -o size=${DISK_MB}m tmpfs disk && ${before} && exec "$0" "$1" run --config agent.toml`;
  const started = spawn("unshare", ["-Urm", "sh", "-c", script, process.execPath, MAIN], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [started.stdout, started.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child = started;
  return started;
}

/** The agent's disk as this process can reach it. */
const onDisk = (name: string) => `/proc/${child?.pid}/root${folder}/disk/${name}`;

function fill(): void {
  const file = openSync(onDisk("filler"), "a");
  try {
    for (const size of [1 << 20, 4096]) {
      const block = Buffer.alloc(size, 1);
      try {
        for (;;) writeSync(file, block);
      } catch {
        // Full: that is the point.
      }
    }
  } finally {
    closeSync(file);
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 2_000) throw new Error(`waited in vain for ${what}\n${output}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

const names = () => server.events.map(({ ev }) => ev.Event);
const numbers = () =>
  server.events.flatMap(({ ev }) => (ev.Event === "Test" ? [Number(ev["N"])] : [])).toSorted((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const pad = "p".repeat(900);

async function say(client: { say(lines: string[]): void }, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    client.say(["Event: Test", `N: ${n}`, `Pad: ${pad}`]);
    if (n % 100 === 0) await new Promise((wake) => setTimeout(wake, 1));
  }
}

describe.runIf(canMount)("a full disk", () => {
  it("neither stops capture nor forwarding, is told, and is recovered from without anyone's help", async () => {
    start();
    const client = await ami.ready();
    await until(
      () => names().includes("RingpostSnapshot") && existsSync(onDisk("outbox.db.ballast")),
      "a running agent",
    );
    fill();
    await say(client, 0, 2_000);
    await until(() => numbers().length === 2_000, "events while the disk fills up");
    expect(existsSync(onDisk("outbox.db.ballast"))).toBe(false);
    fill();
    await server.stop();
    await say(client, 2_000, 5_000);
    await until(() => output.includes("is full"), "the word that the disk is full");
    await server.listen();
    await until(() => numbers().length === 5_000, "events held in memory");
    await server.stop();
    await say(client, 5_000, 6_000);
    rmSync(onDisk("filler"));
    await until(() => output.includes("the outbox is written again"), "the recovery");
    await server.listen();
    await until(() => numbers().length === 6_000, "everything");
    expect(numbers()).toEqual(upTo(6_000));
    expect(names()).not.toContain("RingpostGap");
    expect(server.wrong).toEqual([]);
  }, 60_000);

  it("does not keep an agent that is started on it from draining what it has and from capturing", async () => {
    await server.stop();
    const first = start();
    const client = await ami.ready();
    await say(client, 0, 3_000);
    await until(() => existsSync(onDisk("outbox.db")) && output.includes("AMI is heard"), "a running agent");
    await new Promise((wake) => setTimeout(wake, 1_500));
    const copy = join(folder, "saved.db");
    spawnSync("cp", [onDisk("outbox.db"), copy]);
    spawnSync("cp", [onDisk("outbox.db-wal"), `${copy}-wal`]);
    first.kill("SIGKILL");
    await once(first, "close");
    await server.listen();
    start(
      "cp saved.db disk/outbox.db && cp saved.db-wal disk/outbox.db-wal && (dd if=/dev/zero of=disk/filler bs=1M; dd if=/dev/zero of=disk/filler bs=4k oflag=append conv=notrunc; true) 2>/dev/null",
    );
    const again = await ami.ready(2);
    await say(again, 3_000, 3_500);
    await until(() => numbers().length === 3_500, "what was on the disk and what came since");
    expect(numbers()).toEqual(upTo(3_500));
  }, 60_000);
});
