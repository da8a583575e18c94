import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AGENT, AgentBeside, PHONE } from "./agent-beside.ts";

let agent: AgentBeside;

beforeAll(async () => {
  agent = await AgentBeside.start();
});
afterAll(() => agent.stop());

describe("a command while the agent runs, and when it does not", () => {
  it("passes events and calls on as they happen, until Ctrl-C, and disturbs nothing", async () => {
    for (const [args, words] of [
      [["tail"], "Newchannel"],
      [["tail", "--calls"], `${PHONE} -> 100`],
    ] as const) {
      const tail = agent.piped(...args);
      const again = setInterval(() => agent.playCall(), 200);
      await expect.poll(tail.text, { timeout: 10_000 }).toContain(words);
      clearInterval(again);
      tail.process.kill("SIGINT");
      expect(await once(tail.process, "close")).toEqual([0, null]);
    }
    expect((await agent.json("status")).level).toBe("ok");
  });

  it("keeps showing the status in the same place until Ctrl-C", async () => {
    const watch = agent.piped("status", "--watch");
    const shown = () => watch.text().match(/process \d+, up/g)?.length ?? 0;
    await expect.poll(shown, { timeout: 10_000 }).toBeGreaterThan(2);
    watch.process.kill("SIGINT");
    expect(await once(watch.process, "close")).toEqual([0, null]);
  });

  it("lets a reader go who has had enough: tail | head", async () => {
    const command = `'${AGENT.join("' '")}' tail --config '${agent.config}' | head -1; echo "\${PIPESTATUS[0]}"`;
    const again = setInterval(() => agent.playCall(), 100);
    const piped = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [piped.stdout, piped.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(piped, "close");
    clearInterval(again);
    expect(text).toMatch(/^\d\d:\d\d:\d\d .*\n0\n$/);
  });

  // The last one: the agent is stopped.
  it("says that the agent does not run, and reads its outbox from the file then", async () => {
    await agent.stopAgent();
    for (const name of ["status", "tail", "calls", "gaps"]) {
      const { text, status } = await agent.terminal([name]);
      expect(status).toBe(2);
      expect(text).toContain("does not run");
    }
    expect((await agent.terminal(["outbox"])).text).toContain("read from its file");
    expect(await agent.json("outbox", "fsck")).toMatchObject({ bad: [], complete: true });
    expect(existsSync(join(agent.folder, "outbox.db-wal"))).toBe(false);
    rmSync(join(agent.folder, "outbox.db"));
    expect((await agent.terminal(["outbox", "fsck"])).status).toBe(2);
    expect(existsSync(join(agent.folder, "outbox.db"))).toBe(false);
  });
});
