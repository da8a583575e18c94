import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCES = ["agent", "shared"];
const WARM_UP_MS_MAX = 20_000;

/**
 * Has the sources compiled into `cacheFolder` by a process of its own when they have changed since that was last done: the
 * agent, which runs for months, would else keep the memory this takes. Never throws: where it fails, the agent is only larger.
 */
export function warmUp(cacheFolder: string): void {
  try {
    const script = fileURLToPath(new URL("compile-all.ts", import.meta.url));
    const stamp = join(cacheFolder, `agent-${hashOf([process.version, script, ...process.execArgv])}`);
    const now = hashOf(sources());
    if (readIfThere(stamp) === now) return;
    mkdirSync(cacheFolder, { recursive: true });
    accessSync(cacheFolder, constants.W_OK);
    const { status } = spawnSync(process.execPath, [...process.execArgv, script], {
      stdio: "ignore",
      timeout: WARM_UP_MS_MAX,
    });
    if (status === 0) writeFileSync(stamp, now);
  } catch {
    // A folder that cannot be written keeps no cache.
  }
}

/** Each source with what changes when it is written. */
function sources(): string[] {
  return SOURCES.flatMap((folder) => {
    const root = fileURLToPath(new URL(`../${folder}`, import.meta.url));
    const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    return names.toSorted().map((name) => {
      const { mtimeMs, size } = statSync(join(root, name));
      return `${name} ${mtimeMs} ${size}`;
    });
  });
}

function hashOf(words: readonly string[]): string {
  return createHash("sha256").update(words.join("\n")).digest("hex").slice(0, 16);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
