import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { arch, platform, release, tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildApp } from "../../server/http/app.ts";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { createLogger } from "../../shared/log.ts";
import { FakeAmi, type FakeClient } from "../agent/fake-ami.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { onTerminal, steady, withoutClocks } from "./terminal.ts";

const MAIN = join(import.meta.dirname, "../../agent/main.ts");
const GOLDEN = join(import.meta.dirname, "golden");
const PHONE = "380671234567";

let folder: string;
let config: string;
let database: TestDatabase;
let server: FastifyInstance;
let url: string;
let key: string;
let ami: FakeAmi;
let client: FakeClient;
let agent: ChildProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-cli-"));
  config = join(folder, "agent.toml");
  database = await testDatabase();
  server = buildApp({ pool: database.pool, log: createLogger({ name: "test", level: "silent" }) });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
  await addEnterprise(database.pool, { id: "1", name: "T", token: "t", timezone: "UTC", extensions: null, trunks: [] });
  const site = await addSite(database.pool, { enterpriseId: "1", host: "pbx", name: "PBX" });
  key = "key" in site ? site.key : "";
  ami = await FakeAmi.start({
    answer: ({ Action }) => (Action === "Ping" ? ["Response: Success", "Ping: Pong"] : undefined),
  });
  writeFileSync(config, settings(), { mode: 0o600 });
  putPbxTree();
  agent = spawn(process.execPath, [MAIN, "run", "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  agent.stderr?.on("data", (chunk: Buffer) => writeFileSync(join(folder, "agent.log"), (log += chunk.toString())));
  client = await ami.ready();
  playCall();
  await until(async () => (await json("calls"))[0]?.ended_at > 0);
  await until(async () => (await json("status")).outbox.waiting === 0);
});
afterAll(async () => {
  await stopAgent();
  await ami.stop();
  await server.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const settings = (more = "") =>
  `[server]\nurl = "${url}"\nkey = "${key}"\n[ami]\nport = ${ami.port}\nusername = "ringpost"\nsecret = "secretOfAmi"\n[outbox]\npath = "${join(folder, "outbox.db")}"\n[recover]\nroot = "${pbxRoot()}"\n${more}`;

const pbxRoot = () => join(folder, "pbx");

/** What stands beside an agent: Asterisk's settings and its CDRs. */
function putPbxTree(): void {
  for (const path of ["etc/asterisk", "var/log/asterisk/cdr-csv"])
    mkdirSync(join(pbxRoot(), path), { recursive: true });
  const conf = `[general]\nenabled = yes\nport = ${ami.port}\nbindaddr = 0.0.0.0\n[ringpost]\nsecret = s\n`;
  writeFileSync(join(pbxRoot(), "etc/asterisk/manager.conf"), conf);
  writeFileSync(join(pbxRoot(), "var/log/asterisk/cdr-csv/Master.csv"), "");
  mkdirSync(join(folder, "bare/etc/asterisk"), { recursive: true });
  mkdirSync(join(folder, "bare/etc/ringpost"));
  writeFileSync(join(folder, "bare/etc/asterisk/manager.conf"), "[general]\nenabled = no\n");
  const include = { file: "/etc/asterisk/manager.conf", line: "#include ringpost-manager.conf", newline: false };
  const added = {
    files: ["/etc/asterisk/ringpost-manager.conf"],
    folders: [join(folder, "bare/etc/ringpost")],
    lines: [include],
    user: true,
  };
  writeFileSync(join(folder, "bare/etc/ringpost/installed.json"), JSON.stringify(added));
  const log = '{"level":"warn","time":"2026-01-02T03:04:05.000Z","msg":"AMI is lost","cause":"ami_lost"}\n';
  writeFileSync(join(folder, "old.log"), log);
}

function playCall(): void {
  const ids = (id: string) => [`Uniqueid: ${id}`, "Linkedid: 1.1"];
  client.say(["Event: Newchannel", "Channel: PJSIP/trunk-a-1", `CallerIDNum: ${PHONE}`, "Exten: 100", ...ids("1.1")]);
  client.say(["Event: Newchannel", "Channel: PJSIP/150-2", "CallerIDNum: 150", ...ids("1.2")]);
  client.say(["Event: BridgeEnter", "Channel: PJSIP/150-2", "BridgeNumChannels: 2", ...ids("1.2")]);
  client.say(["Event: Hangup", "Channel: PJSIP/trunk-a-1", "Cause: 16", ...ids("1.1")]);
  client.say(["Event: Hangup", "Channel: PJSIP/150-2", "Cause: 16", ...ids("1.2")]);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) if (tries > 50) throw new Error("waited in vain for the agent");
}

async function stopAgent(): Promise<void> {
  if (agent.exitCode !== null) return;
  agent.kill("SIGTERM");
  await once(agent, "exit");
}

const terminal = (args: readonly string[], lang = "en", env: NodeJS.ProcessEnv = {}) =>
  onTerminal([process.execPath, MAIN, ...args, "--config", config, "--lang", lang], { TZ: "UTC", ...env });

// oxlint-disable-next-line typescript/no-explicit-any -- what the contract is, the tests say field by field
async function json(...args: string[]): Promise<any> {
  const { text } = await terminal([...args, "--json"]);
  return JSON.parse(text);
}

const names = () => ({
  [folder]: "FOLDER",
  [url]: "SERVER",
  [`:${ami.port}`]: ":PORT",
  [`port = ${ami.port}`]: "port = PORT",
  [String(process.pid)]: "PID",
  [`${platform()} ${release()} ${arch()}`]: "SYSTEM",
  [process.versions.node]: "NODE",
});

describe("every command on a terminal", () => {
  const screens: [string, string[], number][] = [
    ["status", ["status"], 0],
    ["calls", ["calls", "--last", "5"], 0],
    ["gaps", ["gaps"], 0],
    ["outbox", ["outbox"], 0],
    ["fsck", ["outbox", "fsck"], 0],
    ["config-check", ["config", "check"], 0],
    ["config-show", ["config", "show"], 0],
    ["doctor", ["doctor", "--root", "PBX"], 1],
    ["logs", ["logs", "--file", "LOG"], 0],
    ["diagnostics", ["diagnostics", "--output", "ZIP"], 0],
    ["install-dry-run", ["install", "--server", "https://r.example", "--code", "X", "--root", "BARE", "--dry-run"], 0],
    ["install-refused", ["install", "--server", "https://r.example", "--code", "X", "--root", "PBX", "--dry-run"], 2],
    ["uninstall-nothing", ["uninstall", "--root", "PBX", "--dry-run"], 0],
    ["uninstall-dry-run", ["uninstall", "--root", "BARE", "--purge", "--dry-run"], 0],
    ["version", ["version"], 0],
  ];
  for (const lang of ["en", "ru"])
    it.each(screens)(`shows its golden screen in ${lang}: %s`, async (name, args, expected) => {
      const files: Record<string, string> = {
        PBX: pbxRoot(),
        BARE: join(folder, "bare"),
        LOG: join(folder, "old.log"),
        ZIP: join(folder, "d.zip"),
      };
      const { text, status } = await terminal(
        args.map((word) => files[word] ?? word),
        lang,
      );
      expect(status).toBe(expected);
      await expect(withoutClocks(steady(text, names()))).toMatchFileSnapshot(join(GOLDEN, lang, `${name}.txt`));
    });

  it.each(["en", "ru"])("keeps to 80 columns, the status to one screen, in %s", async (lang) => {
    for (const name of ["status", "doctor", "gaps", "calls", "help"]) {
      const command = [process.execPath, MAIN, name, ...(name === "help" ? [] : ["--config", config]), "--lang", lang];
      const { text } = await onTerminal(command, { TZ: "UTC", NO_COLOR: "1" }, 80);
      const lines = text.trimEnd().split("\n");
      // A command line or a path that is to be copied is not cut.
      const long = lines.filter((line) => line.length > 80 && !line.includes("--code") && !line.includes(folder));
      expect(long).toEqual([]);
      expect(name === "status" ? lines.length : 0).toBeLessThanOrEqual(24);
    }
  });

  it.each(["en", "ru"])("tells what the doctor finds, with a remedy for each trouble, in %s", async (lang) => {
    const { text, status } = await terminal(["doctor"], lang);
    expect([0, 1]).toContain(status);
    const asked =
      lang === "en"
        ? ["AMI login", "site key accepted", "outbox rows", "What to do:"]
        : ["вход в AMI", "ключ площадки принят", "записи очереди", "Что делать:"];
    for (const words of asked) expect(text).toContain(words);
  });

  it("uses colour on a terminal, and none when told so or when it is read by a program", async () => {
    const escape = String.fromCodePoint(27);
    expect((await terminal(["status"])).text).toContain(escape);
    expect((await terminal(["status"], "en", { NO_COLOR: "1" })).text).not.toContain(escape);
    const piped = spawn(process.execPath, [MAIN, "status", "--config", config], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    piped.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(piped, "close");
    expect(text).toMatch(/^OK\n/);
  });

  it("speaks the language of the locale unless told another", async () => {
    const { text } = await onTerminal([process.execPath, MAIN, "status", "--config", config], {
      LC_ALL: "ru_RU.UTF-8",
    });
    expect(text).toContain("ХОРОШО");
  });

  it("passes events and calls on as they happen, until Ctrl-C, and disturbs nothing", async () => {
    for (const [args, words] of [
      [["tail"], "Newchannel"],
      [["tail", "--calls"], `${PHONE} -> 100`],
    ] as const) {
      const tail = spawn(process.execPath, [MAIN, ...args, "--config", config], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      let text = "";
      tail.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      const again = setInterval(playCall, 200);
      await expect.poll(() => text, { timeout: 10_000 }).toContain(words);
      clearInterval(again);
      tail.kill("SIGINT");
      expect(await once(tail, "close")).toEqual([0, null]);
    }
    expect((await json("status")).level).toBe("ok");
  });

  it("keeps showing the status in the same place until Ctrl-C", async () => {
    const watch = spawn(process.execPath, [MAIN, "status", "--watch", "--config", config], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    watch.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await expect.poll(() => text.match(/process \d+, up/g)?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(2);
    watch.kill("SIGINT");
    expect(await once(watch, "close")).toEqual([0, null]);
  });

  it("shows the log readable, and without its secrets", async () => {
    writeFileSync(
      join(folder, "other.log"),
      `{"level":"warn","time":"2026-01-02T03:04:05.000Z","msg":"m","url":"x ${key}"}\nplain\n`,
    );
    const { text } = await terminal(["logs", "--file", join(folder, "other.log")]);
    expect(text).toMatch(/2026-01-02 03:04:05 {2}warn {3}m {2}url=x rp_\d+_\[redacted\]\nplain/);
  });

  it("packs diagnostics with neither secret nor phone number, and with numbers only when asked", async () => {
    writeFileSync(join(folder, "log.txt"), `{"msg":"refused","reason":"CallerIDNum ${PHONE} is odd"}\n`);
    const pack = async (...more: string[]) => {
      const file = join(folder, `d${more.length}.zip`);
      const { status } = await terminal(["diagnostics", "--output", file, "--log", join(folder, "log.txt"), ...more]);
      expect(status).toBe(0);
      return Object.entries(unzipSync(readFileSync(file))).map(
        ([name, bytes]) => `${name}\n${Buffer.from(bytes).toString()}`,
      );
    };
    const plain = (await pack()).join("\n");
    for (const hidden of [key, "secretOfAmi", PHONE]) expect(plain).not.toContain(hidden);
    for (const name of [
      "status.json",
      "doctor.json",
      "gaps.json",
      "outbox.json",
      "settings.json",
      "versions.json",
      "log.txt",
    ])
      expect(plain).toContain(name);
    expect((await pack("--with-calls")).join("\n")).toContain(PHONE);
  });

  it("has the same in JSON, field by field", async () => {
    expect(await json("status")).toMatchObject({
      level: "ok",
      troubles: [],
      calls: { running: 0 },
      blind: [],
      server: { state: "ok" },
    });
    expect(await json("outbox")).toMatchObject({ running: true, set_aside: [], streams: [{ base: 0 }] });
    expect(await json("outbox", "fsck")).toMatchObject({ bad: [], complete: true });
    expect((await json("doctor")).checks.find(({ name }: { name: string }) => name === "key")).toMatchObject({
      result: "pass",
    });
    expect(JSON.stringify(await json("config", "show"))).not.toContain("secretOfAmi");
    expect(await json("version")).toMatchObject({ agent: expect.any(String), node: process.versions.node });
  });

  it("has every field of its JSON in docs/agent-json.md, the contract with whoever reads it", async () => {
    const contract = readFileSync(join(import.meta.dirname, "../../docs/agent-json.md"), "utf8");
    // By code and by setting's name: not fields of their own.
    const open = new Set(["troubles_since"]);
    const names = (value: unknown): string[] => {
      if (Array.isArray(value)) return value.flatMap(names);
      if (typeof value !== "object" || value === null) return [];
      return Object.entries(value).flatMap(([name, inside]) => [name, ...(open.has(name) ? [] : names(inside))]);
    };
    const commands = [["status"], ["doctor"], ["calls"], ["gaps"], ["outbox"], ["outbox", "fsck"], ["config", "check"]];
    const told = await Promise.all([...commands, ["version"]].map((command) => json(...command)));
    for (const name of new Set(told.flatMap(names))) expect(contract).toContain(`\`${name}\``);
  });

  it("prints an object with --json also when it could not do its work", async () => {
    const none = join(folder, "none.toml");
    writeFileSync(none, settings().replace("outbox.db", "another.db"));
    const failed = async (...args: string[]) => {
      const { text, status } = await onTerminal([process.execPath, MAIN, ...args, "--json"]);
      return [status, (JSON.parse(text.slice(text.indexOf("{"))) as { error: string }).error];
    };
    expect(await failed("calls", "--config", none)).toEqual([2, "not_running"]);
    expect(await failed("status", "--config", join(folder, "missing.toml"))).toEqual([78, "configuration"]);
    expect(await failed("status", "--frob")).toEqual([78, "command_line"]);
  });

  it("ends with 78 on settings that cannot be used, naming them", async () => {
    const bad = join(folder, "bad.toml");
    writeFileSync(bad, settings("[live]\nwindow_seconds = 0\n"));
    const { text, status } = await onTerminal([process.execPath, MAIN, "config", "check", "--config", bad]);
    expect(status).toBe(78);
    expect(text).toContain("[live] window_seconds");
  });

  it("ends with 78 on a command line that cannot be understood, and says where help is, in both languages", async () => {
    for (const args of [
      ["--frob"],
      ["frob"],
      ["status", "--frob"],
      ["calls", "--last", "0"],
      ["install"],
      ["status", "x"],
    ])
      for (const [lang, words] of [
        ["en", /^error: .*\nSee: ringpost-agent.* --help$/],
        ["ru", /^ошибка: .*[а-я].*\nСправка: ringpost-agent.* --help$/],
      ] as const) {
        const { text, status } = await onTerminal([process.execPath, MAIN, ...args, "--lang", lang]);
        expect([args, status, text.trim()]).toEqual([args, 78, expect.stringMatching(words)]);
      }
  }, 60_000);

  it("refuses an address and an authority's file that the service could not use, before it does anything", async () => {
    const file = join(folder, "private.pem");
    writeFileSync(file, "", { mode: 0o600 });
    const install = (...args: string[]) =>
      onTerminal([
        process.execPath,
        MAIN,
        "install",
        "--code",
        "X",
        "--root",
        join(folder, "bare"),
        "--dry-run",
        ...args,
      ]);
    for (const [args, words] of [
      [["--server", "http://10.0.0.1"], "--allow-plain-http"],
      [["--server", "https://r.example/path"], "https://host[:port]"],
      [["--server", "https://r.example", "--ca-file", file], "chmod 644"],
      [["--server", "https://r.example", "--ca-file", "none.pem"], "there is no such file"],
    ] as const) {
      const { text, status } = await install(...args);
      expect([args, status, text]).toEqual([args, 78, expect.stringContaining(words)]);
    }
  });

  it("says that nothing is installed here when there are no settings at all", async () => {
    const { text, status } = await onTerminal([process.execPath, MAIN, "status"]);
    expect(status).toBe(78);
    expect(text).toMatch(/agent\.toml: found there is no such file; allowed: what `ringpost-agent install/);
  });

  it("warns of a settings file that every user may read, in both languages", async () => {
    const file = join(folder, "readable.toml");
    copyFileSync(config, file);
    chmodSync(file, 0o644);
    for (const [lang, words] of [
      ["en", "chmod 600"],
      ["ru", "открыт всем пользователям"],
    ] as const) {
      const { text, status } = await onTerminal([process.execPath, MAIN, "doctor", "--config", file, "--lang", lang]);
      expect([status, text]).toEqual([1, expect.stringContaining(words)]);
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    "says that the socket is another user's instead of that the agent is down",
    async () => {
      const file = join(folder, "open.toml");
      copyFileSync(config, file);
      for (const path of [folder, file]) chmodSync(path, 0o755);
      for (const name of ["status", "doctor", "calls", "gaps", "tail", "outbox"]) {
        const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, MAIN, name];
        const { text, status } = await onTerminal([...nobody, "--config", file]);
        expect([name, status, text]).toEqual([
          name,
          2,
          expect.stringContaining("closed to this user. It may well run"),
        ]);
      }
    },
  );

  it("lets a reader go who has had enough: tail | head", async () => {
    const command = `'${process.execPath}' '${MAIN}' tail --config '${config}' | head -1; echo "\${PIPESTATUS[0]}"`;
    const again = setInterval(playCall, 100);
    const piped = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [piped.stdout, piped.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(piped, "close");
    clearInterval(again);
    expect(text).toMatch(/^\d\d:\d\d:\d\d .*\n0\n$/);
  });

  it("explains every command with examples in both languages", async () => {
    for (const [lang, word] of [
      ["en", "Examples:"],
      ["ru", "Примеры:"],
    ] as const)
      for (const name of [
        "status",
        "doctor",
        "tail",
        "calls",
        "outbox",
        "gaps",
        "logs",
        "diagnostics",
        "install",
        "uninstall",
        "version",
      ])
        expect((await onTerminal([process.execPath, MAIN, name, "--help", "--lang", lang])).text).toContain(word);
  }, 60_000);

  // The last one: the agent is stopped.
  it("says that the agent does not run, and reads its outbox from the file then", async () => {
    await stopAgent();
    for (const name of ["status", "tail", "calls", "gaps"]) {
      const { text, status } = await terminal([name]);
      expect(status).toBe(2);
      expect(text).toContain("does not run");
    }
    expect((await terminal(["outbox"])).text).toContain("read from its file");
    expect(await json("outbox", "fsck")).toMatchObject({ bad: [], complete: true });
    expect(existsSync(join(folder, "outbox.db-wal"))).toBe(false);
    rmSync(join(folder, "outbox.db"));
    expect((await terminal(["outbox", "fsck"])).status).toBe(2);
    expect(existsSync(join(folder, "outbox.db"))).toBe(false);
  });
});
