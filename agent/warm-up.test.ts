import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { warmUp } from "./warm-up.ts";

const execute = promisify(execFile);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-warm-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** As agent/main.ts does it, in a process of its own. */
async function warm(cache: string): Promise<void> {
  const script = join(folder, "main.mjs");
  const module = JSON.stringify(join(import.meta.dirname, "warm-up.ts"));
  writeFileSync(script, `import { warmUp } from ${module};\nwarmUp(${JSON.stringify(cache)});\n`);
  await execute(process.execPath, [script], { env: { ...process.env, NODE_COMPILE_CACHE: cache } });
}
const stamps = (cache: string) => readdirSync(cache).filter((name) => name.startsWith("agent-"));

describe("compiling the agent's sources ahead", () => {
  it("is done once until a source changes, also by two agents that start at once", async () => {
    const cache = join(folder, "cache");
    await Promise.all([warm(cache), warm(cache)]);
    const [stamp = "", ...more] = stamps(cache);
    expect(more).toEqual([]);
    const compiled = readdirSync(cache, { recursive: true }).length;
    expect(compiled).toBeGreaterThan(100);
    const written = readFileSync(join(cache, stamp), "utf8");
    writeFileSync(join(cache, stamp), "other sources");
    await warm(cache);
    expect(readFileSync(join(cache, stamp), "utf8")).toBe(written);
    expect(readdirSync(cache, { recursive: true })).toHaveLength(compiled);
  }, 30_000);

  it("is left out, without a word, where nothing can be kept", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(() => warmUp(join(file, "cache"))).not.toThrow();
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});
