import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { run, type CommandResult } from "../../asterisk/lab/command.ts";
import { entering, SHELL_ENV } from "../enter.ts";
import { bareRoot, type Debian } from "../roots.ts";
import { copyOf, removeFolder, RootFolder } from "./root-folder.ts";

/** A stand-in for systemd's command, so that the package is tried where no systemd can run. It writes down what it was asked. */
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

/** A bare Debian with a fake Asterisk and a fake systemctl in it: a PBX on which the product is installed. */
export class Machine extends RootFolder {
  static async make(debian: Debian, amiPort: number): Promise<Machine> {
    const machine = new Machine(await copyOf(await bareRoot(debian)));
    machine.put("/usr/local/bin/systemctl", SYSTEMCTL, 0o755);
    mkdirSync(join(machine.root, "run/systemd/system"), { recursive: true });
    machine.putAsterisk(amiPort);
    return machine;
  }

  /** Runs a command inside, with /proc and an environment of its own, as a technician's shell has them. */
  async do(...command: string[]): Promise<CommandResult> {
    return run("unshare", entering(this.root, command), { env: SHELL_ENV, timeoutMsMax: 90_000 });
  }

  get agentPid(): number {
    return this.has("/run/ringpost-agent.pid") ? Number(this.text("/run/ringpost-agent.pid")) : 0;
  }

  async remove(): Promise<void> {
    await this.do("systemctl", "disable");
    removeFolder(this.root);
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
