import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeAmi, type FakeAmiOptions } from "./fake-ami.ts";
import { FakeServer } from "./fake-server.ts";

const MAIN = join(import.meta.dirname, "../../agent/main.ts");

let folder: string;
let server: FakeServer;
let ami: FakeAmi;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-agent-"));
  server = await FakeServer.start();
  ami = await FakeAmi.start();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  }
  await Promise.all([server.stop(), ami.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const outbox = () => join(folder, "outbox.db");
const file = () => join(folder, "agent.toml");

function settings(changes = ""): void {
  writeFileSync(
    file(),
    `[server]\nurl = "${server.url}"\nkey = "rp_1_keyOfTheSite"\n[ami]\nport = ${ami.port}\nusername = "agent"\nsecret = "secretOfAmi"\n[outbox]\npath = "${outbox()}"\n${changes}`,
  );
}

interface Run {
  child: ChildProcess;
  output: () => string;
  ended: Promise<{ code: number | null; signal: string | null }>;
}

function agent(args: string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return { child, output: () => text, ended };
}

const run = (env?: Record<string, string>) => agent(["run", "--config", file()], env);

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1_500) throw new Error(`waited in vain: ${what()}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

const names = () => server.events.map(({ ev }) => ev.Event);
const numbers = () =>
  server.events.flatMap(({ ev }) => (ev.Event === "Test" ? [Number(ev["N"])] : [])).toSorted((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

function say(client: { say(lines: string[]): void }, from: number, to: number): void {
  for (let n = from; n < to; n++) client.say(["Event: Test", `N: ${n}`]);
}

describe("the agent's process", () => {
  it("brings events from AMI to the server, and on SIGTERM drains and ends with 0 within 5 s", async () => {
    settings();
    const { child, ended, output } = run();
    const client = await ami.ready();
    await until(() => names().includes("RingpostSnapshot"), output);
    say(client, 0, 500);
    await until(() => numbers().length > 0, output);
    const startedAt = Date.now();
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    const goodbye = server.events.at(-1)?.ev;
    expect(goodbye).toMatchObject({ Event: "RingpostCaptureLost", Cause: "agent_down" });
    expect(server.wrong).toEqual([]);
    expect(output()).not.toMatch(/keyOfTheSite|secretOfAmi/);
    for (const line of output().trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");
  });

  it("ends with 0 within 5 s on SIGINT with neither AMI nor server there, and loses nothing it had", async () => {
    settings();
    const first = run();
    const client = await ami.ready();
    await until(() => names().includes("RingpostSnapshot"), first.output);
    await server.stop();
    say(client, 0, 100);
    await new Promise((wake) => setTimeout(wake, 300));
    await ami.stop();
    const startedAt = Date.now();
    first.child.kill("SIGINT");
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    await server.listen();
    const second = run();
    await until(() => numbers().length === 100, second.output);
    expect(numbers()).toEqual(upTo(100));
  });

  it("loses nothing that was on the disk when it is killed at any moment, and tells since when it was blind", async () => {
    settings();
    let said = 0;
    for (let round = 1; round <= 3; round++) {
      const { child, ended, output } = run();
      const client = await ami.ready(round);
      await until(() => names().filter((name) => name === "RingpostSnapshot").length >= round, output);
      say(client, said, said + 200);
      said += 200;
      await until(() => numbers().length >= said - 200 + round * 20, output);
      child.kill("SIGKILL");
      expect((await ended).signal).toBe("SIGKILL");
    }
    const last = run();
    await until(() => names().filter((name) => name === "RingpostGap").length >= 3, last.output);
    const got = numbers();
    expect(new Set(got).size).toBe(got.length);
    const gaps = server.events.filter(({ ev }) => ev.Event === "RingpostGap").map(({ ev }) => ev["Cause"]);
    expect(gaps).toEqual(["agent_down", "agent_down", "agent_down"]);
    expect(names().filter((name) => name === "RingpostCaptureLost").length).toBeGreaterThanOrEqual(3);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)(
    "ended by %s while AMI is lost, it tells afterwards that nothing was heard from that loss on",
    async (signal) => {
      settings();
      const first = run();
      await ami.ready();
      await until(() => names().includes("RingpostSnapshot"), first.output);
      await ami.stop();
      await until(() => names().includes("RingpostCaptureLost"), first.output);
      await new Promise((wake) => setTimeout(wake, 1_500));
      first.child.kill(signal);
      await first.ended;
      ami = await FakeAmi.start();
      settings();
      const second = run();
      await until(() => names().filter((name) => name === "RingpostCaptureStarted").length === 2, second.output);
      const [lost] = server.events.filter(({ ev }) => ev.Event === "RingpostCaptureLost");
      const gaps = server.events.filter(({ ev }) => ev.Event === "RingpostGap").map(({ ev }) => ev);
      expect(gaps[0]).toMatchObject({ From: lost?.ev["Since"], Cause: "ami_lost" });
      expect(gaps.map((gap) => gap["Cause"])).toEqual(signal === "SIGTERM" ? ["ami_lost", "agent_down"] : ["ami_lost"]);
      expect(names().filter((name) => name === "RingpostCaptureLost")).toHaveLength(1);
    },
  );

  it("does not call live what lay in the socket while the process was stopped, and loses none of it", async () => {
    settings("[live]\nwindow_seconds = 1\n");
    const { child, output } = run();
    const client = await ami.ready();
    await until(() => names().includes("RingpostSnapshot"), output);
    child.kill("SIGSTOP");
    say(client, 0, 300);
    await new Promise((wake) => setTimeout(wake, 3_500));
    child.kill("SIGCONT");
    await until(() => numbers().length === 300, output);
    await new Promise((wake) => setTimeout(wake, 1_000));
    say(client, 300, 301);
    await until(() => numbers().length === 301, output);
    const origins = server.events.filter(({ ev }) => ev.Event === "Test").map(({ origin }) => origin);
    expect(origins).toEqual([...Array.from({ length: 300 }, () => "downloaded"), "live"]);
  });

  it("refuses a wrong, a missing and an unknown setting with status 78, by name, with what was found and what is allowed", async () => {
    settings('[live]\nwindow_seconds = 0\n[outbux]\npath = "x"\n');
    const { ended, output } = run({ RINGPOST_AGENT_AMI_PORT: "telnet", RINGPOST_AGENT_SERVER_KEY: "topsecret" });
    expect((await ended).code).toBe(78);
    expect(output()).toContain("[live] window_seconds: found 0; allowed: seconds, 1 to 3600");
    expect(output()).toContain(
      "[outbux]: found a setting that does not exist; allowed: [server], [ami], [outbox], [recover], [live], [log]",
    );
    expect(output()).toContain('RINGPOST_AGENT_AMI_PORT: found "telnet"; allowed: a port, 1 to 65535');
    expect(output()).toContain("RINGPOST_AGENT_SERVER_KEY: found a value that is not shown");
    expect(output()).not.toContain("topsecret");
    const empty = agent(["run"]);
    expect((await empty.ended).code).toBe(78);
    expect(empty.output()).toContain("agent.toml: found there is no such file; allowed: what `ringpost-agent install");
    const nofile = agent(["run", "--config", join(folder, "none.toml"), "--lang", "ru"]);
    expect((await nofile.ended).code).toBe(78);
    expect(nofile.output()).toMatch(/--config: указано .*none\.toml: нет такого файла/);
  });

  it("does not send the key in the clear to another machine unless told so", async () => {
    settings();
    const url = { RINGPOST_AGENT_SERVER_URL: "http://192.0.2.1:8080" };
    const refused = run(url);
    expect((await refused.ended).code).toBe(78);
    expect(refused.output()).toMatch(/\[server\] url: .*in the clear.*allow_plain_http/);
    const allowed = run({ ...url, RINGPOST_AGENT_SERVER_ALLOW_PLAIN_HTTP: "true" });
    await until(() => allowed.output().includes("the agent runs"), allowed.output);
    allowed.child.kill("SIGTERM");
    expect((await allowed.ended).code).toBe(0);
  });

  it("runs from the environment alone", async () => {
    const { output } = agent(["run"], {
      RINGPOST_AGENT_SERVER_URL: server.url,
      RINGPOST_AGENT_SERVER_KEY: "rp_1_k",
      RINGPOST_AGENT_AMI_PORT: String(ami.port),
      RINGPOST_AGENT_AMI_USERNAME: "agent",
      RINGPOST_AGENT_AMI_SECRET: "s",
      RINGPOST_AGENT_OUTBOX_PATH: outbox(),
    });
    await until(() => names().includes("RingpostSnapshot"), output);
    expect(server.batches.at(-1)?.header.report.ami).toBe("connected");
  });

  it("leaves the file to the agent that has it, and says so", async () => {
    settings();
    const first = run();
    await until(() => first.output().includes("the agent runs"), first.output);
    const second = run();
    expect((await second.ended).code).toBe(2);
    expect(second.output()).toContain("Another agent uses this file");
  }, 20_000);

  it("says what to do when the outbox cannot be made", async () => {
    settings();
    const { ended, output } = run({ RINGPOST_AGENT_OUTBOX_PATH: join(folder, "none", "outbox.db") });
    expect((await ended).code).toBe(2);
    expect(output()).toContain("Check that the folder of [outbox] path exists");
  });

  it("keeps outbox and socket to itself", async () => {
    settings();
    const { output } = run();
    await until(() => output().includes("the agent runs"), output);
    for (const path of [outbox(), `${outbox()}.sock`, `${outbox()}-wal`]) expect(statSync(path).mode & 0o077).toBe(0);
  });
});

describe("the status command", () => {
  const status = (...more: string[]) => agent(["status", "--config", file(), ...more]);

  async function told(...more: string[]): Promise<{ text: string; code: number | null }> {
    const { ended, output } = status(...more);
    const { code } = await ended;
    return { text: output(), code };
  }

  it("ends with 0 and tells what matters when all is well, in two languages and as JSON", async () => {
    settings();
    const { output } = run();
    await until(() => names().includes("RingpostSnapshot"), output);
    await new Promise((wake) => setTimeout(wake, 1_200));
    const english = await told();
    expect(english).toMatchObject({ code: 0 });
    expect(english.text).toMatch(/^OK\n/);
    expect(english.text).toContain("connected (22.10.0)");
    expect((await told("--lang", "ru")).text).toMatch(/^ХОРОШО\n[\s\S]*подключён/);
    const json = JSON.parse((await told("--json")).text);
    expect(json).toMatchObject({
      running: true,
      level: "ok",
      ami: { state: "connected" },
      server: { state: "ok" },
      outbox: { waiting: 0 },
    });
    expect(JSON.stringify(json)).not.toMatch(/keyOfTheSite|secretOfAmi/);
  });

  it.each<[string, FakeAmiOptions, string]>([
    [
      "a refused login",
      { answer: () => ["Response: Error", "Message: Authentication failed"] },
      "[ami] username and secret",
    ],
    ["an SSH server on the AMI port", { greeting: "SSH-2.0-OpenSSH_9.2\r\n" }, "an SSH server"],
  ])("ends with 2 and says what to do about %s", async (_, options, words) => {
    ami.options = options;
    settings();
    const { output } = run();
    await until(() => output().includes("AMI cannot be heard"), output);
    const { text, code } = await told();
    expect(code).toBe(2);
    expect(text).toContain(words);
  });

  it("doctor says that the running agent hears nothing though doctor itself may log in", async () => {
    ami.options = {
      answer: ({ Action, Events }) =>
        Action === "Login" && Events !== "off" ? ["Response: Error", "Message: Authentication failed"] : undefined,
    };
    settings();
    const { output } = run();
    await until(() => output().includes("AMI cannot be heard"), output);
    const { ended, output: said } = agent(["doctor", "--config", file(), "--json"]);
    expect((await ended).code).toBe(2);
    const { checks } = JSON.parse(said()) as { checks: { name: string; result: string; found: string }[] };
    const named = (name: string) => checks.find((check) => check.name === name);
    expect(named("ami_login")).toMatchObject({ result: "pass" });
    expect(named("hearing")).toMatchObject({
      result: "fail",
      found: expect.stringContaining("Authentication failed"),
    });
  });

  it("ends with 1 while the server is away, and tells how much waits", async () => {
    settings();
    const { output } = run();
    const client = await ami.ready();
    await until(() => names().includes("RingpostSnapshot"), output);
    await server.stop();
    say(client, 0, 50);
    await until(() => output().includes("cannot be reached"), output);
    await new Promise((wake) => setTimeout(wake, 1_200));
    const { text, code } = await told();
    expect(code).toBe(1);
    expect(text).toMatch(/WARNING[\s\S]*cannot be reached[\s\S]*5\d events wait/);
  });

  it("ends with 2 and says that calls are not recorded when no agent runs", async () => {
    settings();
    expect(await told()).toMatchObject({ code: 2, text: expect.stringContaining("does not run") });
    expect(JSON.parse((await told("--json")).text)).toMatchObject({ running: false, level: "critical" });
    expect((await told("--lang", "ru")).text).toContain("не работает");
  });

  it("explains itself with examples in both languages", async () => {
    const help = agent(["--help"]);
    expect((await help.ended).code).toBe(0);
    expect(help.output()).toContain("Examples:");
    const russian = agent(["help", "--lang", "ru"]);
    await russian.ended;
    expect(russian.output()).toContain("Примеры:");
  });
});
