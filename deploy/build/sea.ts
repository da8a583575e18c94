import { chmod, copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { tool } from "./command.ts";
import { addLauncher } from "./launcher.ts";
import { buildNotify } from "./notify.ts";
import { MODULES, NODE, WORK } from "./paths.ts";

/** Tells node that it carries an application; from Node's documentation. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Why each: docs/decisions/0002-agent-memory.md, 0011-node-ends.md. `npm run agent` has the same. */
const NODE_OPTIONS = [
  "--max-old-space-size=96",
  "--max-semi-space-size=1",
  "--optimize-for-size",
  "--no-node-snapshot",
  "--no-concurrent-recompilation",
  "--no-concurrent-sparkplug",
];

export interface Parts {
  main: string;
  thread: string;
  addon: string;
}

/** Puts the parts into a stripped copy of node. */
export async function makeBinary(parts: Parts, binary: string): Promise<void> {
  const blob = await makeBlob(parts);
  const bare = join(WORK, "ringpost-agent");
  await copyFile(NODE, bare);
  await tool("strip", ["--strip-all", bare]);
  const postject = join(MODULES, "postject/dist/cli.js");
  await tool(NODE, [postject, bare, "NODE_SEA_BLOB", blob, "--sentinel-fuse", FUSE]);
  await addLauncher(bare);
  // Copied: a file that was written in one go stands in the page cache in large pieces, and 15 MB more of it are mapped.
  const fresh = `${binary}.new`;
  await copyFile(bare, fresh);
  await chmod(fresh, 0o755);
  await rename(fresh, binary);
}

async function makeBlob({ main, thread, addon }: Parts): Promise<string> {
  const output = join(WORK, "agent.blob");
  const config = {
    main,
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    execArgv: NODE_OPTIONS,
    execArgvExtension: "none",
    assets: {
      "outbox-thread.js": thread,
      ...(await withHash("better_sqlite3", addon)),
      ...(await withHash("notify", await buildNotify())),
    },
  };
  const file = join(WORK, "sea.json");
  await writeFile(file, JSON.stringify(config));
  await tool(NODE, ["--experimental-sea-config", file]);
  return output;
}

/** An addon and what it must be when it is loaded. */
async function withHash(name: string, addon: string): Promise<Record<string, string>> {
  const hash = join(WORK, `${name}.sha256`);
  const digest = createHash("sha256").update(await readFile(addon));
  await writeFile(hash, digest.digest("hex"));
  return { [`${name}.node`]: addon, [`${name}.sha256`]: hash };
}
