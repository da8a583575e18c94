import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entering, SHELL_ENV } from "../product/enter.ts";
import { delay, run, type CommandResult } from "./lab/command.ts";
import { freeTcpPort } from "./lab/ports.ts";
import { labPaths } from "./lab/paths.ts";
import type { Release } from "./lab/releases.ts";

const BOOT_MS_MAX = 40_000;
const AGENT = "/usr/bin/ringpost-agent";

/** Enough of Asterisk for AMI and calls between Local channels; nothing that listens but AMI. */
const MODULES = [
  "res_timing_timerfd",
  "res_clioriginate",
  "pbx_config",
  "bridge_simple",
  "app_playback",
  "app_dial",
  "codec_ulaw",
  "func_callerid",
  "func_channel",
  "func_strings",
  "cel_custom",
];
const FILES: Readonly<Record<string, string>> = {
  "asterisk.conf": "[options]\nnocolor = yes\n",
  "modules.conf": `[modules]\nautoload = no\n${MODULES.map((name) => `load = ${name}.so`).join("\n")}\n`,
  "logger.conf": "[logfiles]\nmessages = notice,warning,error\n",
  "cel.conf": "[general]\nenable = yes\nevents = ALL\n",
  "cel_custom.conf": readFileSync(join(import.meta.dirname, "lab/etc/cel_custom.conf"), "utf8"),
  "extensions.conf": "[office]\nexten => 150,1,Answer()\nsame => n,Wait(1)\nsame => n,Hangup()\n",
};

/**
 * A real Asterisk with the installed agent beside it: a copy of the lab's root folder whose /etc/asterisk the test may
 * change, so that nobody else's PBX is touched.
 */
export class OwnPbx {
  readonly root: string;
  readonly port: number;
  #asterisk: ChildProcess | undefined;
  readonly #agents: ChildProcess[] = [];

  private constructor(root: string, port: number) {
    this.root = root;
    this.port = port;
  }

  static async make(release: Release, binary: string): Promise<OwnPbx> {
    const root = mkdtempSync(join(tmpdir(), `ringpost-pbx-${release}-`));
    await run("cp", ["-a", "--reflink=auto", `${labPaths(release).root}/.`, root]);
    chmodSync(root, 0o755);
    const pbx = new OwnPbx(root, await freeTcpPort());
    copyFileSync(binary, join(root, AGENT));
    for (const folder of ["etc/asterisk", "var/log/asterisk", "var/run/asterisk"]) {
      rmSync(join(root, folder), { recursive: true, force: true });
      mkdirSync(join(root, folder), { recursive: true });
    }
    mkdirSync(join(root, "var/log/asterisk/cel-custom/usual"), { recursive: true });
    pbx.put("/var/log/asterisk/cel-custom/Master.csv", "");
    for (const [name, text] of Object.entries(FILES)) pbx.put(`/etc/asterisk/${name}`, text);
    return pbx;
  }

  /**
   * Starts Asterisk with these files in /etc/asterisk. Anew each time: AMI that is switched off and on again while
   * Asterisk 16 runs may end up deaf.
   */
  async boot(files: Readonly<Record<string, string>>): Promise<void> {
    // Of a test that failed an agent may be left.
    for (const agent of this.#agents.splice(0)) await end(agent);
    if (this.#asterisk !== undefined) await end(this.#asterisk);
    for (const [name, text] of Object.entries(files)) this.put(`/etc/asterisk/${name}`, text);
    this.#asterisk = this.#start(["asterisk", "-f", "-C", "/etc/asterisk/asterisk.conf"], "asterisk.log");
    for (let waitedMs = 0; waitedMs < BOOT_MS_MAX; waitedMs += 100) {
      if (/fully booted/i.test((await this.console("core waitfullybooted")).stdout)) return;
      await delay(100);
    }
    throw new Error(`Asterisk did not boot: ${this.text("/asterisk.log")}`);
  }

  put(path: string, text: string): void {
    writeFileSync(join(this.root, path), text);
  }

  text(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  console(command: string): Promise<CommandResult> {
    return this.do("asterisk", "-rx", command);
  }

  agent(...args: string[]): Promise<CommandResult> {
    return this.do(AGENT, ...args);
  }

  do(...command: string[]): Promise<CommandResult> {
    return run("unshare", entering(this.root, command), { env: SHELL_ENV, timeoutMsMax: 60_000 });
  }

  /** As the service runs it: under its own user, on the settings that install wrote. */
  startAgent(): ChildProcess {
    const user = ["setpriv", "--reuid=ringpost", "--regid=ringpost", "--clear-groups"];
    const agent = this.#start([...user, AGENT, "run", "--config", "/etc/ringpost/agent.toml"], "agent.log");
    this.#agents.push(agent);
    return agent;
  }

  /** unshare, sh, chroot and setpriv replace themselves, so the child is the program itself. */
  #start(command: readonly string[], log: string): ChildProcess {
    const child = spawn("unshare", entering(this.root, command), {
      env: { PATH: SHELL_ENV.PATH, LANG: "C.UTF-8" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const file = join(this.root, log);
    const keep = (chunk: Buffer) => writeFileSync(file, chunk, { flag: "a" });
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    return child;
  }

  /** Every file below the folders with its mode, owner and hash. */
  async fingerprint(...folders: string[]): Promise<string> {
    const script = `find ${folders.join(" ")} -printf '%p %m %U:%G\\n' | sort; find ${folders.join(" ")} -type f -exec sha256sum {} + | sort -k2`;
    return (await this.do("sh", "-c", script)).stdout;
  }

  async remove(): Promise<void> {
    for (const child of [...this.#agents, this.#asterisk]) if (child !== undefined) await end(child);
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Stops a process, and waits until it has gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 8_000);
  await gone;
  clearTimeout(force);
}
