import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../shared/errors.ts";
import { delay, run, type CommandResult } from "../../asterisk/lab/command.ts";
import { SHELL_ENV } from "../enter.ts";
import { systemdRoot } from "../roots.ts";
import { copyOf, removeFolder, RootFolder } from "./root-folder.ts";

const BOOT_MS_MAX = 20_000;
const CONSOLE_CHARACTERS_MAX = 20_000;

/** Units that look at the machine's own hardware, or would set its kernel: not this test's. */
const MASKED = [
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "sys-kernel-config.mount",
  "sys-fs-fuse-connections.mount",
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "systemd-modules-load.service",
  "systemd-sysctl.service",
  "systemd-remount-fs.service",
  "getty.target",
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "fstrim.timer",
  "e2scrub_all.timer",
];

/** A Debian 12 with a fake Asterisk, booted: systemd is its first process, and units really run under it. */
export class Booted extends RootFolder {
  #boot: ChildProcess | undefined;
  #console = "";

  static async make(amiPort: number): Promise<Booted> {
    const machine = new Booted(await copyOf(await systemdRoot()));
    for (const unit of MASKED) symlinkSync("/dev/null", join(machine.root, "etc/systemd/system", unit));
    machine.put("/etc/machine-id", "");
    machine.putAsterisk(amiPort);
    return machine;
  }

  /** @throws Error with what systemd said when it does not come up. */
  async boot(): Promise<void> {
    this.#console = "";
    const boot = spawn("sh", [join(import.meta.dirname, "boot.sh"), this.root], { stdio: ["ignore", "pipe", "pipe"] });
    this.#boot = boot;
    const keep = (chunk: Buffer) =>
      (this.#console = `${this.#console}${chunk.toString()}`.slice(-CONSOLE_CHARACTERS_MAX));
    boot.stdout.on("data", keep);
    boot.stderr.on("data", keep);
    for (let waitedMs = 0; waitedMs < BOOT_MS_MAX && boot.exitCode === null; waitedMs += 200) {
      const { stdout } = await this.do("systemctl", "is-system-running");
      if (/^(running|degraded)$/m.test(stdout)) return;
      await delay(200);
    }
    await this.stop();
    throw new Error(`systemd did not come up within ${BOOT_MS_MAX / 1000} s. ${this.#console.trim().slice(-500)}`);
  }

  /** The process id, on this machine, of what is process 1 in there; undefined before it is. */
  get #init(): string | undefined {
    const parent = this.#boot?.pid ?? 0;
    const children = `/proc/${parent}/task/${parent}/children`;
    return existsSync(children) ? readFileSync(children, "utf8").trim().split(" ")[0] : undefined;
  }

  async do(...command: string[]): Promise<CommandResult> {
    const init = this.#init;
    if (init === undefined || init === "") return { status: null, stdout: "", stderr: "not booted" };
    return run("nsenter", ["-t", init, "-a", ...command], { env: SHELL_ENV, timeoutMsMax: 90_000 });
  }

  /** What systemd says of the service, by the names of `systemctl show`. */
  async show(...names: string[]): Promise<Record<string, string>> {
    const { stdout } = await this.do("systemctl", "show", "ringpost-agent", "-p", names.join(","));
    return Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
  }

  /** As when the power is switched off in order: everything in there ends. */
  async stop(): Promise<void> {
    const boot = this.#boot;
    if (boot === undefined) return;
    const gone = new Promise((done) => (boot.exitCode === null ? boot.once("exit", done) : done(null)));
    await this.do("systemctl", "poweroff");
    const force = setTimeout(() => boot.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(force);
    removeGroups(boot.pid ?? 0);
    this.#boot = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    removeFolder(this.root);
  }
}

/** Tries it: whether a machine lets systemd run in namespaces can only be seen by doing it. Null when it does. */
export async function whyNoSystemd(): Promise<string | null> {
  let machine: Booted | undefined;
  try {
    machine = await Booted.make(1);
    await machine.boot();
    return null;
  } catch (error) {
    return messageOf(error);
  } finally {
    await machine?.remove();
  }
}

/** Control groups are folders that only go empty, from the innermost out. */
function removeGroups(pid: number): void {
  const group = [`/sys/fs/cgroup/unified/ringpost-test-${pid}`, `/sys/fs/cgroup/ringpost-test-${pid}`].find(existsSync);
  if (group !== undefined) removeEmpty(group);
}

function removeEmpty(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  try {
    rmdirSync(folder);
  } catch {
    // A process in it is still on its way out: the kernel keeps an empty group then, which costs nothing.
  }
}
