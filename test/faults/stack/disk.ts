import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../shim/shim.ts";

const SIZE_MB = 64;
const INODES = 1_000;

/** The disk under the outbox: small, its own, and able to be full. */
export interface OutboxDisk {
  /** Where the agent sees it. */
  readonly path: string;
  /** Where the test sees the same files. */
  readonly seenFromOutside: string;
  /** Put before the agent's command. */
  readonly enter: readonly string[];
  /** Takes all room; calling what it returns gives it back. */
  fill(): () => void;
  /** Takes all inodes of a disk of its own, on which no file can be made then. */
  fillInodes(): () => void;
  close(): Promise<void>;
}

/**
 * A tmpfs of fixed size in a mount namespace of its own, held by a sleeping process: nothing is mounted on the machine
 * and all of it is gone with that process. Where that is not allowed (not root), a plain folder whose fullness the shim plays.
 */
export async function outboxDisk(dir: string, machine: Machine): Promise<OutboxDisk> {
  if (!mayMount()) return plainDisk(dir, machine);
  const path = join(dir, "disk");
  mkdirSync(path);
  return mountedDisk(path);
}

export function mayMount(): boolean {
  const tried = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]);
  return tried.status === 0;
}

async function mountedDisk(path: string): Promise<OutboxDisk> {
  const script = `mount -t tmpfs -o size=${SIZE_MB}m,nr_inodes=${INODES} tmpfs "$0" && echo mounted && exec sleep 1000000`;
  const holder = spawn("unshare", ["-m", "sh", "-c", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("exit", () => reject(new Error(`No tmpfs could be mounted at ${path}.`)));
  });
  const outside = `/proc/${holder.pid}/root${path}`;
  return {
    path,
    seenFromOutside: outside,
    enter: ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`],
    fill: () => fillWithFile(outside),
    fillInodes: () => fillWithNames(outside),
    close: async () => {
      const gone = new Promise((resolve) => holder.once("exit", resolve));
      holder.kill("SIGKILL");
      await gone;
    },
  };
}

/** A folder; its fullness is played by the shim. */
export function plainDisk(dir: string, machine: Machine): OutboxDisk {
  const path = join(dir, "disk");
  mkdirSync(path);
  return {
    path,
    seenFromOutside: path,
    enter: [],
    fill: () => {
      machine.fillDisk(true);
      return () => machine.fillDisk(false);
    },
    fillInodes: () => {
      throw new Error("Only a disk of its own can be without inodes: it needs root.");
    },
    close: async () => {},
  };
}

function fillWithNames(dir: string): () => void {
  const folder = join(dir, "names");
  mkdirSync(folder);
  for (let n = 0; statfsSync(dir).ffree > 0; n++) writeFileSync(join(folder, String(n)), "");
  return () => rmSync(folder, { recursive: true });
}

/** Fills what is free, and goes on doing so for what the agent gives up, until called back. */
function fillWithFile(dir: string): () => void {
  const files: string[] = [];
  const take = (): void => {
    const { bavail, bsize } = statfsSync(dir);
    if (bavail === 0) return;
    const file = join(dir, `filler-${files.length}`);
    files.push(file);
    try {
      writeFileSync(file, Buffer.alloc(bavail * bsize));
    } catch {
      // what the agent took meanwhile is not there to take: full is full
    }
  };
  take();
  const timer = setInterval(take, 250);
  return () => {
    clearInterval(timer);
    for (const file of files) if (existsSync(file)) rmSync(file);
  };
}
