import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run, type CommandResult } from "../../asterisk/lab/command.ts";
import { entering, SHELL_ENV } from "../enter.ts";
import { bareRoot, type Debian } from "../roots.ts";

const CACHE = resolve(import.meta.dirname, "../../../.cache/product");

/** What a PBX has that matters here: `asterisk -rx` and systemctl. Both write down what they were asked. */
const ASTERISK = `#!/bin/sh
echo "asterisk $*" >> /var/log/asked
`;
const SYSTEMCTL = `#!/bin/sh
echo "systemctl $*" >> /var/log/asked
pid=/run/ringpost-agent.pid
stop() { start-stop-daemon --stop --quiet --oknodo --retry 8 --remove-pidfile --pidfile $pid; }
case "$1" in
    restart)
        stop
        start-stop-daemon --start --quiet --background --make-pidfile --pidfile $pid --chuid ringpost:ringpost \\
            --output /var/log/ringpost-agent.log --startas /usr/bin/ringpost-agent -- run --config /etc/ringpost/agent.toml
        ;;
    enable) touch /run/enabled ;;
    is-enabled) [ -e /run/enabled ] && echo enabled ;;
    disable) rm -f /run/enabled; stop ;;
esac
`;

/** A copy of a bare Debian with a fake Asterisk in it: a PBX on which the product is installed. */
export class Machine {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async make(debian: Debian, amiPort: number): Promise<Machine> {
    const root = mkdtempSync(join(CACHE, "machine-"));
    await run("cp", ["-a", "--reflink=auto", `${await bareRoot(debian)}/.`, root]);
    chmodSync(root, 0o755);
    const machine = new Machine(root);
    machine.put("/usr/sbin/asterisk", ASTERISK, 0o755);
    machine.put("/usr/local/bin/systemctl", SYSTEMCTL, 0o755);
    mkdirSync(join(root, "run/systemd/system"), { recursive: true });
    machine.put(
      "/etc/asterisk/manager.conf",
      `[general]\nenabled = yes\nport = ${amiPort}\nbindaddr = 127.0.0.1\ntimestampevents = yes`,
    );
    return machine;
  }

  put(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    chmodSync(join(this.root, path), mode);
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

  /** Runs a command inside, with /proc and an environment of its own, as a technician's shell has them. */
  async do(...command: string[]): Promise<CommandResult> {
    return run("unshare", entering(this.root, command), { env: SHELL_ENV, timeoutMsMax: 90_000 });
  }

  get agentPid(): number {
    return this.has("/run/ringpost-agent.pid") ? Number(this.text("/run/ringpost-agent.pid")) : 0;
  }

  async install(deb: string): Promise<CommandResult> {
    await run("cp", [deb, join(this.root, "tmp/agent.deb")]);
    return this.do("dpkg", "-i", "/tmp/agent.deb");
  }

  async remove(): Promise<void> {
    await this.do("systemctl", "disable");
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Whether a process is there. */
export function runs(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
