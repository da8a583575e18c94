import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run, type CommandResult } from "../../asterisk/lab/command.ts";

const CACHE = resolve(import.meta.dirname, "../../../.cache/product");

/** What a PBX has that matters here: `asterisk -rx`. It writes down what it was asked. */
const ASTERISK = `#!/bin/sh
echo "asterisk $*" >> /var/log/asked
`;

/** A Debian's root folder that a test may change, with a fake Asterisk in it; subclasses say how commands run inside. */
export abstract class RootFolder {
  readonly root: string;

  protected constructor(root: string) {
    this.root = root;
  }

  abstract do(...command: string[]): Promise<CommandResult>;

  put(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    chmodSync(join(this.root, path), mode);
  }

  putAsterisk(amiPort: number): void {
    this.put("/usr/sbin/asterisk", ASTERISK, 0o755);
    this.put(
      "/etc/asterisk/manager.conf",
      `[general]\nenabled = yes\nport = ${amiPort}\nbindaddr = 127.0.0.1\ntimestampevents = yes`,
    );
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  text(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  /** Every file below `folder` with its mode, owner and hash. */
  async fingerprint(folder: string): Promise<string> {
    const script = `find ${folder} -printf '%p %m %U:%G\\n' | sort; find ${folder} -type f -exec sha256sum {} + | sort -k2`;
    return (await this.do("sh", "-c", script)).stdout;
  }

  async install(deb: string): Promise<CommandResult> {
    await run("cp", [deb, join(this.root, "root/agent.deb")]);
    return this.do("dpkg", "-i", "/root/agent.deb");
  }
}

/** A copy of a bare root folder; returns its path. */
export async function copyOf(bare: string): Promise<string> {
  const root = mkdtempSync(join(CACHE, "machine-"));
  await run("cp", ["-a", "--reflink=auto", `${bare}/.`, root]);
  chmodSync(root, 0o755);
  return root;
}

export function removeFolder(root: string): void {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
