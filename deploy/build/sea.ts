import { chmod, copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { tool } from "./command.ts";
import { addLauncher } from "./launcher.ts";
import { MODULES, NODE, WORK } from "./paths.ts";

/** Tells node that it carries an application; from Node's documentation. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** The agent's heap is small and mostly short-lived: a small young generation is 10 MB less resident memory. */
const NODE_OPTIONS = ["--max-old-space-size=96", "--max-semi-space-size=1"];

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
  await chmod(bare, 0o755);
  await rename(bare, binary);
}

async function makeBlob({ main, thread, addon }: Parts): Promise<string> {
  const output = join(WORK, "agent.blob");
  const hash = join(WORK, "addon.sha256");
  await writeFile(
    hash,
    createHash("sha256")
      .update(await readFile(addon))
      .digest("hex"),
  );
  const config = {
    main,
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    execArgv: NODE_OPTIONS,
    execArgvExtension: "none",
    assets: { "outbox-thread.js": thread, "better_sqlite3.node": addon, "better_sqlite3.sha256": hash },
  };
  const file = join(WORK, "sea.json");
  await writeFile(file, JSON.stringify(config));
  await tool(NODE, ["--experimental-sea-config", file]);
  return output;
}
