import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UNIT } from "../../agent/install/unit.ts";
import { AGENT_VERSION } from "../../agent/version.ts";
import { tool } from "./command.ts";
import { DIST, REPOSITORY, WORK } from "./paths.ts";

const SCRIPTS = ["preinst", "postinst", "prerm", "postrm"] as const;
const FOLDER_MODE = 0o755;

export interface DebOptions {
  binary: string;
  version?: string;
  folder?: string;
  /** False: made quickly, and three times as large. */
  compressed?: boolean;
}

/** Makes the Debian package with the binary and the systemd unit. Returns its path. */
export async function makeDeb(options: DebOptions): Promise<string> {
  const { binary, version = AGENT_VERSION, folder = DIST, compressed = true } = options;
  const root = await mkdtemp(join(WORK, "deb-"));
  await place(join(root, "usr/bin/ringpost-agent"), binary, 0o755);
  await text(join(root, "lib/systemd/system/ringpost-agent.service"), UNIT, 0o644);
  await text(join(root, "DEBIAN/control"), await control(binary, version), 0o644);
  for (const name of SCRIPTS) await place(join(root, "DEBIAN", name), join(REPOSITORY, "deploy/deb", name), 0o755);
  for (const made of ["", "DEBIAN", "usr", "usr/bin", "lib", "lib/systemd", "lib/systemd/system"])
    await chmod(join(root, made), FOLDER_MODE);
  const file = join(folder, `ringpost-agent_${version}_amd64.deb`);
  // Equal bytes from equal contents: dpkg-deb takes SOURCE_DATE_EPOCH for every time in it.
  await tool("dpkg-deb", ["--root-owner-group", ...(compressed ? ["-Zxz", "-z1"] : ["-Znone"]), "--build", root, file]);
  await rm(root, { recursive: true, force: true });
  return file;
}

async function control(binary: string, version: string): Promise<string> {
  const template = await readFile(join(REPOSITORY, "deploy/deb/control"), "utf8");
  const kilobytes = Math.ceil((await stat(binary)).size / 1024);
  return template.replace("@VERSION@", version).replace("@SIZE@", String(kilobytes));
}

async function place(target: string, source: string, mode: number): Promise<void> {
  await mkdir(join(target, ".."), { recursive: true });
  await copyFile(source, target);
  await chmod(target, mode);
}

async function text(target: string, content: string, mode: number): Promise<void> {
  await mkdir(join(target, ".."), { recursive: true });
  await writeFile(target, content);
  await chmod(target, mode);
}
