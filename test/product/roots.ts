import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { run, type CommandResult } from "../asterisk/lab/command.ts";
import { debianMirror } from "../asterisk/lab/mirror.ts";
import { entering, SHELL_ENV } from "./enter.ts";

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
  return once(debian, async (root) => {
    const mirror = (await debianMirror()) ?? "";
    const tool = ["debootstrap", "--variant=minbase", DEBIANS[debian], root, mirror];
    return run("unshare", ["-m", "--propagation", "private", ...tool], { timeoutMsMax: MINUTES_MAX * 60_000 });
  });
}

/** Debian 12 with systemd as its first process, made once from the bare one and never changed. */
export async function systemdRoot(): Promise<string> {
  const bare = await bareRoot("12");
  return once("12-systemd", async (root) => {
    await run("cp", ["-a", "--reflink=auto", bare, root]);
    await run("cp", ["/etc/resolv.conf", join(root, "etc/resolv.conf")]);
    const get = "apt-get update -q && apt-get install -y -q --no-install-recommends systemd-sysv dbus";
    return run("unshare", entering(root, ["sh", "-c", get]), { env: SHELL_ENV, timeoutMsMax: MINUTES_MAX * 60_000 });
  });
}

/** A root folder under the cache, made by `make` unless it is there, whole. */
async function once(name: string, make: (root: string) => Promise<CommandResult>): Promise<string> {
  const root = join(HOME, name, "root");
  const built = join(HOME, name, "built");
  if (existsSync(built)) return root;
  await rm(root, { recursive: true, force: true });
  await mkdir(join(HOME, name), { recursive: true });
  const made = await make(root);
  if (made.status !== 0)
    throw new Error(`the root folder ${name} was not made: ${made.stdout.slice(-500)}${made.stderr.slice(-500)}`);
  await writeFile(built, "");
  return root;
}
