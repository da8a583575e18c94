import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AMI_SECRET, AgentBeside, PHONE, agentOnTerminal } from "./agent-beside.ts";

let agent: AgentBeside;

beforeAll(async () => {
  agent = await AgentBeside.start();
});
afterAll(() => agent.stop());

describe("what programs read", () => {
  it("has the same in JSON, field by field", async () => {
    expect(await agent.json("status")).toMatchObject({
      level: "ok",
      troubles: [],
      calls: { running: 0 },
      blind: [],
      server: { state: "ok" },
    });
    expect(await agent.json("outbox")).toMatchObject({ running: true, set_aside: [], streams: [{ base: 0 }] });
    expect(await agent.json("outbox", "fsck")).toMatchObject({ bad: [], complete: true });
    expect((await agent.json("doctor")).checks.find(({ name }: { name: string }) => name === "key")).toMatchObject({
      result: "pass",
    });
    expect(JSON.stringify(await agent.json("config", "show"))).not.toContain(AMI_SECRET);
    expect(await agent.json("version")).toMatchObject({ agent: expect.any(String), node: process.versions.node });
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
    const told = await Promise.all([...commands, ["version"]].map((command) => agent.json(...command)));
    for (const name of new Set(told.flatMap(names))) expect(contract).toContain(`\`${name}\``);
  });

  it("prints an object with --json also when it could not do its work", async () => {
    const none = join(agent.folder, "none.toml");
    writeFileSync(none, agent.settings().replace("outbox.db", "another.db"));
    const failed = async (...args: string[]) => {
      const { text, status } = await agentOnTerminal([...args, "--json"]);
      return [status, (JSON.parse(text.slice(text.indexOf("{"))) as { error: string }).error];
    };
    expect(await failed("calls", "--config", none)).toEqual([2, "not_running"]);
    expect(await failed("status", "--config", join(agent.folder, "missing.toml"))).toEqual([78, "configuration"]);
    expect(await failed("status", "--frob")).toEqual([78, "command_line"]);
  });

  it("packs diagnostics with neither secret nor phone number, and with numbers only when asked", async () => {
    writeFileSync(join(agent.folder, "log.txt"), `{"msg":"refused","reason":"CallerIDNum ${PHONE} is odd"}\n`);
    const pack = async (...more: string[]) => {
      const file = join(agent.folder, `d${more.length}.zip`);
      const from = ["--output", file, "--log", join(agent.folder, "log.txt")];
      const { status } = await agent.terminal(["diagnostics", ...from, ...more]);
      expect(status).toBe(0);
      return Object.entries(unzipSync(readFileSync(file))).map(
        ([name, bytes]) => `${name}\n${Buffer.from(bytes).toString()}`,
      );
    };
    const plain = (await pack()).join("\n");
    for (const hidden of [agent.key, AMI_SECRET, PHONE]) expect(plain).not.toContain(hidden);
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
});
