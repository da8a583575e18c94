import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askGaps, askStatus } from "../../agent/control/ask.ts";
import { FakeAmi } from "../agent/fake-ami.ts";
import { FakeServer } from "../agent/fake-server.ts";

const MAIN = join(import.meta.dirname, "../../agent/main.ts");
const EVENTS = 50;

let folder: string;
let ami: FakeAmi;
let server: FakeServer;
let agent: ChildProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-gaps-"));
  ami = await FakeAmi.start();
  server = await FakeServer.start();
  server.behave = () => ({ status: 503 });
  writeFileSync(
    join(folder, "agent.toml"),
    `[server]\nurl = "${server.url}"\nkey = "rp_1_k"\n[ami]\nport = ${ami.port}\nusername = "a"\nsecret = "s"\n[outbox]\npath = "${outbox()}"\n`,
  );
  agent = start();
});
afterEach(async () => {
  await stop("SIGKILL");
  await ami.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const outbox = () => join(folder, "outbox.db");
const start = () => spawn(process.execPath, [MAIN, "run", "--config", join(folder, "agent.toml")], { stdio: "ignore" });

async function stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  agent.kill(signal);
  await once(agent, "exit");
}

const causes = async () => (await askGaps(outbox()))?.map(({ cause }) => cause) ?? [];

describe("what the outbox lost", () => {
  it("is among the gaps that people are shown, and still there after the next start", async () => {
    const client = await ami.ready();
    for (let n = 0; n < EVENTS; n++) client.say(["Event: Test", `N: ${n}`]);
    await expect
      .poll(async () => (await askStatus(outbox()))?.outbox.highest_seq, { timeout: 10_000 })
      .toBeGreaterThan(EVENTS);
    await stop("SIGTERM");
    const file = new Database(outbox());
    file.prepare("UPDATE events SET body = 'not what was written' WHERE seq BETWEEN 10 AND 12").run();
    file.close();
    server.behave = () => undefined;
    agent = start();
    await expect.poll(causes, { timeout: 10_000 }).toContain("outbox_corrupt");
    const lost = (await askGaps(outbox()))?.find(({ cause }) => cause === "outbox_corrupt");
    expect(lost).toMatchObject({ count: 3, repair: null });
    await stop("SIGTERM");
    agent = start();
    await expect.poll(causes, { timeout: 10_000 }).toEqual(expect.arrayContaining(["outbox_corrupt", "agent_down"]));
  }, 60_000);
});
