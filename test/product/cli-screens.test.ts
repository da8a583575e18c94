import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentBeside, agentOnTerminal } from "./agent-beside.ts";
import { steady, withoutClocks } from "./terminal.ts";

const GOLDEN = join(import.meta.dirname, "golden");

let agent: AgentBeside;

beforeAll(async () => {
  agent = await AgentBeside.start();
  const log = '{"level":"warn","time":"2026-01-02T03:04:05.000Z","msg":"AMI is lost","cause":"ami_lost"}\n';
  writeFileSync(join(agent.folder, "old.log"), log);
});
afterAll(() => agent.stop());

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
        PBX: agent.pbxRoot,
        BARE: agent.bareRoot,
        LOG: join(agent.folder, "old.log"),
        ZIP: join(agent.folder, "d.zip"),
      };
      const { text, status } = await agent.terminal(
        args.map((word) => files[word] ?? word),
        lang,
      );
      expect(status).toBe(expected);
      await expect(withoutClocks(steady(text, agent.names()))).toMatchFileSnapshot(join(GOLDEN, lang, `${name}.txt`));
    });

  it.each(["en", "ru"])("keeps to 80 columns, the status to one screen, in %s", async (lang) => {
    for (const name of ["status", "doctor", "gaps", "calls", "help"]) {
      const command = [name, ...(name === "help" ? [] : ["--config", agent.config]), "--lang", lang];
      const { text } = await agentOnTerminal(command, { TZ: "UTC", NO_COLOR: "1" }, 80);
      const lines = text.trimEnd().split("\n");
      // A command line or a path that is to be copied is not cut.
      const long = lines.filter((line) => line.length > 80 && !line.includes("--code") && !line.includes(agent.folder));
      expect(long).toEqual([]);
      expect(name === "status" ? lines.length : 0).toBeLessThanOrEqual(24);
    }
  });

  it.each(["en", "ru"])("tells what the doctor finds, with a remedy for each trouble, in %s", async (lang) => {
    const { text, status } = await agent.terminal(["doctor"], lang);
    expect([0, 1]).toContain(status);
    const asked =
      lang === "en"
        ? ["AMI login", "site key accepted", "outbox rows", "What to do:"]
        : ["вход в AMI", "ключ площадки принят", "записи очереди", "Что делать:"];
    for (const words of asked) expect(text).toContain(words);
  });

  it("uses colour on a terminal, and none when told so or when it is read by a program", async () => {
    const escape = String.fromCodePoint(27);
    expect((await agent.terminal(["status"])).text).toContain(escape);
    expect((await agent.terminal(["status"], "en", { NO_COLOR: "1" })).text).not.toContain(escape);
    const piped = agent.piped("status");
    await once(piped.process, "close");
    expect(piped.text()).toMatch(/^OK\n/);
  });

  it("speaks the language of the locale unless told another", async () => {
    const { text } = await agentOnTerminal(["status", "--config", agent.config], {
      LC_ALL: "ru_RU.UTF-8",
    });
    expect(text).toContain("ХОРОШО");
  });

  it("shows the log readable, and without its secrets", async () => {
    writeFileSync(
      join(agent.folder, "other.log"),
      `{"level":"warn","time":"2026-01-02T03:04:05.000Z","msg":"m","url":"x ${agent.key}"}\nplain\n`,
    );
    const { text } = await agent.terminal(["logs", "--file", join(agent.folder, "other.log")]);
    expect(text).toMatch(/2026-01-02 03:04:05 {2}warn {3}m {2}url=x rp_\d+_\[redacted\]\nplain/);
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
        expect((await agentOnTerminal([name, "--help", "--lang", lang])).text).toContain(word);
  }, 60_000);
});
