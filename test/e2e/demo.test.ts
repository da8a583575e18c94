import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "demo-test-"));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

interface Demo {
  output: string;
  ended: Promise<number | null>;
  interrupt(): void;
  until(text: string): Promise<void>;
}

/** `npm run demo` in a process group of its own, as a terminal would give it. */
function startDemo(...args: string[]): Demo {
  const child = spawn("npm", ["run", "-s", "demo", "--", ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary, LANG: "C", LC_ALL: "" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const demo: Demo = {
    output: "",
    ended: once(child, "close").then(([code]) => code as number | null),
    interrupt: () => process.kill(-child.pid!, "SIGINT"),
    until: async (text) => {
      while (!demo.output.includes(text)) {
        if (child.exitCode !== null) throw new Error(`The demo ended before it said "${text}":\n${demo.output}`);
        await sleep(50);
      }
    },
  };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (demo.output += String(text)));
  return demo;
}

/** Processes that still have something to do with this demo's temporary folder. */
function leftovers(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(temporary) ? [command] : [];
      } catch {
        return []; // gone meanwhile
      }
    });
}

async function expectNothingLeft(): Promise<void> {
  await expect.poll(leftovers, { timeout: 5_000 }).toEqual([]);
  expect(readdirSync(temporary).filter((name) => name.startsWith("ringpost"))).toEqual([]);
}

describe("npm run demo", () => {
  it("tells of real calls, an outage and its backlog, answers the schema's queries, and leaves nothing behind", async () => {
    const beganAt = Date.now();
    const demo = startDemo();
    const status = await demo.ended;
    if (status !== 0) throw new Error(`The demo ended with ${status}:\n${demo.output}`);
    expect(Date.now() - beganAt).toBeLessThan(60_000);
    expect(demo.output).toMatch(/incoming +0501112233 +trunk-a +answered +150:answered\(2\) +live/);
    expect(demo.output).toMatch(/incoming +0501112241 +trunk-a +not answered +163:no_answer/);
    expect(demo.output).toMatch(/outgoing +0671234567 +trunk-a +running +from 151 +live/);
    expect(demo.output).toMatch(/LINK TO THE SERVER CUT[\s\S]*\d+ events wait[\s\S]*LINK RESTORED[\s\S]*outbox empty/);
    expect(demo.output).toMatch(/answered +150:answered\(\d\) +downloaded/);
    expect(demo.output).toContain("12 of 12 calls final");
    expect(demo.output).toMatch(/GROUP BY data_source;\n[\s\S]*downloaded +[│|]? *\d+[\s\S]*live +[│|]? *\d+/);
    expect(demo.output).not.toContain("\u001b[");
    expect(demo.output).not.toMatch(/warn/i);
    await expectNothingLeft();
  }, 90_000);

  it("stops cleanly on Ctrl-C while it is still starting", async () => {
    const demo = startDemo("--lang", "ru");
    await demo.until("Демонстрация");
    await sleep(300);
    demo.interrupt();
    await demo.ended;
    expect(demo.output).toContain("ничего не осталось");
    expect(demo.output).not.toMatch(/Error|не удалась/);
    await expectNothingLeft();
  }, 60_000);

  it("stops cleanly on Ctrl-C in mid-call", async () => {
    const demo = startDemo("--stay");
    await demo.until("talking");
    demo.interrupt();
    expect(await demo.ended).toBe(0);
    expect(demo.output).toContain("nothing left behind");
    await expectNothingLeft();
  }, 60_000);
});
