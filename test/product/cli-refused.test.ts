import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AGENT, AgentBeside, agentOnTerminal } from "./agent-beside.ts";
import { onTerminal } from "./terminal.ts";

let agent: AgentBeside;

beforeAll(async () => {
  agent = await AgentBeside.start();
});
afterAll(() => agent.stop());

describe("a command that cannot do its work", () => {
  it("ends with 78 on settings that cannot be used, naming them", async () => {
    const bad = join(agent.folder, "bad.toml");
    writeFileSync(bad, agent.settings("[live]\nwindow_seconds = 0\n"));
    const { text, status } = await agentOnTerminal(["config", "check", "--config", bad]);
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
        const { text, status } = await agentOnTerminal([...args, "--lang", lang]);
        expect([args, status, text.trim()]).toEqual([args, 78, expect.stringMatching(words)]);
      }
  }, 60_000);

  it("refuses an address and an authority's file that the service could not use, before it does anything", async () => {
    const file = join(agent.folder, "private.pem");
    writeFileSync(file, "", { mode: 0o600 });
    const install = (...args: string[]) =>
      agentOnTerminal(["install", "--code", "X", "--root", agent.bareRoot, "--dry-run", ...args]);
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
    const { text, status } = await agentOnTerminal(["status"]);
    expect(status).toBe(78);
    expect(text).toMatch(/agent\.toml: found there is no such file; allowed: what `ringpost-agent install/);
  });

  it("warns of a settings file that every user may read, in both languages", async () => {
    const file = join(agent.folder, "readable.toml");
    copyFileSync(agent.config, file);
    chmodSync(file, 0o644);
    for (const [lang, words] of [
      ["en", "chmod 600"],
      ["ru", "открыт всем пользователям"],
    ] as const) {
      const { text, status } = await agentOnTerminal(["doctor", "--config", file, "--lang", lang]);
      expect([status, text]).toEqual([1, expect.stringContaining(words)]);
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    "says that the socket is another user's instead of that the agent is down",
    async () => {
      const file = join(agent.folder, "open.toml");
      copyFileSync(agent.config, file);
      for (const path of [agent.folder, file]) chmodSync(path, 0o755);
      for (const name of ["status", "doctor", "calls", "gaps", "tail", "outbox"]) {
        const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...AGENT, name];
        const { text, status } = await onTerminal([...nobody, "--config", file]);
        expect([name, status, text]).toEqual([
          name,
          2,
          expect.stringContaining("closed to this user. It may well run"),
        ]);
      }
    },
  );
});
