import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAsterisk } from "../../agent/install/asterisk.ts";
import { readAdded } from "../../agent/install/record.ts";
import { installSteps } from "../../agent/install/steps.ts";
import { System, type Owner } from "../../agent/install/system.ts";
import { removals } from "../../agent/install/uninstall.ts";

class Killed extends Error {}

/** A machine whose installer is killed after so many changes; Asterisk and shadow's tools are stood in for. */
class Mortal extends System {
  #changesLeft: number;

  constructor(root: string, changes: number) {
    super(root);
    this.#changesLeft = changes;
  }

  override write(file: string, text: string | Buffer, mode: number, owner?: Owner): void {
    this.#live(() => super.write(file, text, mode, owner));
  }

  override makeFolder(folder: string): void {
    this.#live(() => super.makeFolder(folder));
  }

  override run(program: string): string {
    const passwd = this.path("/etc/passwd");
    if (program === "useradd") this.#live(() => appendFileSync(passwd, "ringpost:x:990:990::/:\n"));
    if (program === "userdel")
      writeFileSync(passwd, readFileSync(passwd, "utf8").replace("ringpost:x:990:990::/:\n", ""));
    return "";
  }

  #live(change: () => void): void {
    change();
    if (--this.#changesLeft <= 0) throw new Killed();
  }
}

let root: string;
let server: Server;
let url: string;
let keys = 0;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "ringpost-cut-off-"));
  mkdirSync(join(root, "etc/asterisk"), { recursive: true });
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:\n");
  writeFileSync(join(root, "elsewhere.conf"), "[general]\nenabled = yes");
  symlinkSync("../../elsewhere.conf", join(root, "etc/asterisk/manager.conf"));
  server = createServer((request, response) => {
    request.resume();
    response.end(JSON.stringify({ key: `rp_1_${++keys}` }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
  rmSync(root, { recursive: true, force: true });
});

async function install(system: System): Promise<"killed" | "done"> {
  const options = { server: url, code: "X", allowPlainHttp: false };
  try {
    const work = { system, asterisk: findAsterisk(root), options, added: readAdded(system) };
    for (const step of installSteps(work)) if (!step.done) await step.run();
    return "done";
  } catch (error) {
    if (error instanceof Killed) return "killed";
    throw error;
  }
}

const uninstall = () => {
  for (const removal of removals(new Mortal(root, Number.POSITIVE_INFINITY), true)) removal.run();
};
/** Every file with what is in it, every folder and link. */
const tree = () =>
  execFileSync(
    "sh",
    ["-c", "find . -printf '%p %y %m %U:%G %l\\n' | sort; find . -type f -exec sha256sum {} + | sort -k2"],
    {
      cwd: root,
      encoding: "utf8",
    },
  );

describe.skipIf(process.getuid?.() !== 0)("an installation that is killed after any of its changes", () => {
  it("can be taken away without a trace, or begun again as if nothing had happened", async () => {
    const before = tree();
    await install(new Mortal(root, Number.POSITIVE_INFINITY));
    expect(existsSync(join(root, "etc/ringpost/agent.toml"))).toBe(true);
    const whole = tree().replaceAll(/^[0-9a-f]{64} /gm, "");
    uninstall();
    expect(tree()).toBe(before);
    let [changes, end] = [0, "killed"];
    while (end === "killed") {
      end = await install(new Mortal(root, ++changes));
      const again = changes % 2 === 0;
      if (again) await install(new Mortal(root, Number.POSITIVE_INFINITY));
      const now = again ? tree().replaceAll(/^[0-9a-f]{64} /gm, "") : whole;
      uninstall();
      expect([changes, now, tree()]).toEqual([changes, whole, before]);
    }
    expect(changes).toBeGreaterThan(12);
  });

  it("leaves a link a link, and what it points to as it was", async () => {
    await install(new Mortal(root, Number.POSITIVE_INFINITY));
    expect(lstatSync(join(root, "etc/asterisk/manager.conf")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(root, "elsewhere.conf"), "utf8")).toContain("#include ringpost-manager.conf");
  });

  it("leaves nothing half written where there is no room", async () => {
    const small = join(root, "small");
    mkdirSync(small);
    cpSync(join(root, "etc"), join(small, "etc"), { recursive: true });
    expect(() => new System(small).write(join(small, "etc/passwd"), "x", 0o600, { uid: -2, gid: 0 })).toThrow("uid");
    expect(readFileSync(join(small, "etc/passwd"), "utf8")).toBe("root:x:0:0::/:\n");
    expect(existsSync(join(small, "etc/passwd.ringpost-new"))).toBe(false);
  });
});
