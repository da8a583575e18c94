import { existsSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RingpostError } from "../../../shared/errors.ts";
import { lastLine, run } from "./command.ts";
import { debianMirror } from "./mirror.ts";
import type { LabPaths } from "./paths.ts";
import { FACTS, type Release } from "./releases.ts";

/** Nothing may start by itself inside the root folder. */
const POLICY = "#!/bin/sh\nexit 101\n";

/**
 * Makes the root folder of one PBX with debootstrap, unless it is there already.
 * All mounts happen in a mount namespace of the command's own, so none can be left behind.
 * @throws RingpostError `lab_build`; the build log tells why.
 */
export async function build(release: Release, paths: LabPaths, say: (line: string) => void): Promise<void> {
  if (existsSync(paths.built)) return;
  const { suite, packages } = FACTS[release];
  say(`Asterisk ${release}: building a root folder from Debian ${suite} (about a minute)`);
  await rm(paths.root, { recursive: true, force: true });
  await mkdir(paths.home, { recursive: true });
  await debootstrap(suite, packages, paths);
  await makeQuiet(paths.root);
  await writeFile(paths.built, JSON.stringify({ suite, version: await versionIn(paths.root) }));
}

async function debootstrap(suite: string, packages: readonly string[], paths: LabPaths): Promise<void> {
  const mirror = (await debianMirror()) ?? "";
  const tool = ["debootstrap", "--variant=minbase", `--include=${packages.join(",")}`, suite, paths.root, mirror];
  const result = await run("unshare", ["-m", "--propagation", "private", ...tool], { log: paths.buildLog });
  if (result.status === 0) return;
  throw new RingpostError({
    code: "lab_build",
    attempted: `debootstrap ${suite}`,
    on: paths.root,
    found: lastLine(result.stdout) ?? lastLine(result.stderr) ?? "no reason given",
    retry: "later",
    next: `read ${paths.buildLog}`,
  });
}

async function makeQuiet(root: string): Promise<void> {
  const policy = join(root, "usr/sbin/policy-rc.d");
  await writeFile(policy, POLICY);
  await chmod(policy, 0o755);
  await writeFile(join(root, "etc/resolv.conf"), "");
  await rm(join(root, "var/cache/apt/archives"), { recursive: true, force: true });
}

async function versionIn(root: string): Promise<string> {
  return (await run("chroot", [root, "asterisk", "-V"])).stdout.trim();
}
