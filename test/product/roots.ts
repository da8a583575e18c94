import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run } from "../asterisk/lab/command.ts";
import { debianMirror } from "../asterisk/lab/mirror.ts";

export const DEBIANS = { "11": "bullseye", "12": "bookworm" } as const;
export type Debian = keyof typeof DEBIANS;

const HOME = resolve(import.meta.dirname, "../../.cache/product");
const MINUTES_MAX = 5;

/** Why the installed product cannot be tested on this machine; null when it can. */
export async function whyNot(): Promise<string | null> {
  if (process.platform !== "linux" || process.arch !== "x64") return "the product is for Linux x64";
  if (process.getuid?.() !== 0) return "it needs root (debootstrap, chroot and mount namespaces)";
  for (const tool of ["debootstrap", "dpkg-deb", "gcc", "g++", "objdump"]) {
    if ((await run("sh", ["-c", 'command -v "$1"', "sh", tool])).status !== 0) return `${tool} is not installed`;
  }
  if ((await run("unshare", ["-m", "true"])).status !== 0) return "this machine does not allow mount namespaces";
  return (await debianMirror()) === null ? "apt names no Debian mirror on this machine" : null;
}

/** The bare root folder of a Debian, made once by debootstrap and never changed. */
export async function bareRoot(debian: Debian): Promise<string> {
  const root = join(HOME, debian, "root");
  const built = join(HOME, debian, "built");
  if (existsSync(built)) return root;
  await rm(root, { recursive: true, force: true });
  await mkdir(join(HOME, debian), { recursive: true });
  const mirror = (await debianMirror()) ?? "";
  const tool = ["debootstrap", "--variant=minbase", DEBIANS[debian], root, mirror];
  const made = await run("unshare", ["-m", "--propagation", "private", ...tool], {
    timeoutMsMax: MINUTES_MAX * 60_000,
  });
  if (made.status !== 0)
    throw new Error(`debootstrap ${DEBIANS[debian]} failed: ${made.stdout.slice(-500)}${made.stderr.slice(-500)}`);
  await writeFile(built, "");
  return root;
}
