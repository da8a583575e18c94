import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { buildAddon } from "../../../deploy/build/addon.ts";
import { bundle } from "../../../deploy/build/bundle.ts";
import { makeDeb } from "../../../deploy/build/deb.ts";
import { BINARY, DIST, WORK } from "../../../deploy/build/paths.ts";
import { makeBinary } from "../../../deploy/build/sea.ts";
import { buildApp } from "../../../server/http/app.ts";
import { addEnterprise } from "../../../server/store/addEnterprise.ts";
import { inviteSite } from "../../../server/store/inviteSite.ts";
import { createLogger } from "../../../shared/log.ts";
import { run } from "../../asterisk/lab/command.ts";
import { FakeAmi } from "../../agent/fake-ami.ts";
import { testDatabase, type TestDatabase } from "../../support/postgres.ts";
import { Machine, runs } from "./machine.ts";

const impossible = inject("productImpossible");
const CONFIG = "/etc/ringpost/agent.toml";
const AGENT = "/usr/bin/ringpost-agent";
const PHONE = "380671234567";
/** The whole machine but for logs, scratch, and what dpkg and shadow's tools keep of the time before. Words of `find`. */
const EVERYTHING = `/ -xdev \\( ${["/proc", "/tmp", "/run", "/root", "/var/log", "/etc/*-", "/var/lib/dpkg/*-old"]
  .map((path) => `-path '${path}'`)
  .join(" -o ")} \\) -prune -o`;

// One PBX's life, in order: each test goes on where the one before ended.
describe.skipIf(impossible !== null)("the package on a bare Debian 12", () => {
  let database: TestDatabase;
  let server: FastifyInstance;
  let url: string;
  let ami: FakeAmi;
  let machine: Machine;
  let machineBefore: string;
  let etcBefore: string;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(WORK, "package-test-"));
    database = await testDatabase();
    server = buildApp({ pool: database.pool, log: createLogger({ name: "test", level: "silent" }) });
    url = await server.listen({ host: "127.0.0.1", port: 0 });
    ami = await FakeAmi.start();
    machine = await Machine.make("12", ami.port);
    await addEnterprise(database.pool, {
      id: "0367",
      name: "T",
      token: "t",
      timezone: "UTC",
      extensions: null,
      trunks: [],
    });
  });
  afterAll(async () => {
    await machine.remove();
    await ami.stop();
    await server.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const code = async () =>
    (await inviteSite(database.pool, { enterpriseId: "0367", host: "10.0.0.1", name: "PBX" }, 1))?.code ?? "";
  const deb = async (version: string, binary: string) => {
    return makeDeb({ binary, version, folder, compressed: false });
  };

  it("installs with dpkg alone, makes its user, and says what to do next", async () => {
    machineBefore = await machine.fingerprint(EVERYTHING);
    expect(machineBefore).toMatch(/^[0-9a-f]{64} {2}\/etc\/debian_version$/m);
    const { status, stdout } = await machine.install(await deb("0.1.0", BINARY));
    expect(status).toBe(0);
    expect(stdout).toContain("ringpost-agent install --server");
    expect((await machine.do(AGENT, "version")).stdout).toMatch(/^agent +0\.1\.0$/m);
    expect(machine.text("/etc/passwd")).toContain("ringpost:");
    expect(machine.has("/lib/systemd/system/ringpost-agent.service")).toBe(true);
    etcBefore = await machine.fingerprint("/etc/asterisk /etc/systemd");
  });

  it("shows every step with --dry-run and changes nothing", async () => {
    const before = await machine.fingerprint("/etc /var/lib /usr/bin");
    const { status, stdout } = await machine.do(AGENT, "install", "--server", url, "--code", await code(), "--dry-run");
    expect(status).toBe(0);
    for (const words of [
      "ringpost-manager.conf",
      "/etc/asterisk/manager.conf",
      "manager reload",
      url,
      "systemctl enable",
    ])
      expect(stdout).toMatch(new RegExp(`^would .*${words.replaceAll(/[.?]/g, "\\$&")}`, "m"));
    expect(await machine.fingerprint("/etc /var/lib /usr/bin")).toBe(before);
  });

  it("sets up AMI, enrols, starts the service under its own user, and ends with the doctor", async () => {
    const { status, stdout, stderr } = await machine.do(AGENT, "install", "--server", url, "--code", await code());
    expect(`${stderr}${stdout}`).toContain("site key accepted");
    expect(status).not.toBe(78);
    expect(machine.text("/var/log/asked")).toMatch(
      /asterisk -rx manager reload[\s\S]*systemctl daemon-reload[\s\S]*systemctl restart/,
    );
    expect(machine.text("/etc/asterisk/manager.conf")).toMatch(
      /timestampevents = yes\n#include ringpost-manager.conf\n$/,
    );
    const modes = (
      await machine.do("stat", "-c", "%a %U %n", CONFIG, "/var/lib/ringpost", "/etc/asterisk/ringpost-manager.conf")
    ).stdout;
    expect(modes).toBe(
      `600 ringpost ${CONFIG}\n700 ringpost /var/lib/ringpost\n640 root /etc/asterisk/ringpost-manager.conf\n`,
    );
    const { rows } = await database.pool.query("SELECT enterprise_id, host FROM sites");
    expect(rows).toEqual([{ enterprise_id: "0367", host: "10.0.0.1" }]);
  });

  it("brings events from AMI to the server, with the AMI user it wrote", async () => {
    const client = await ami.ready();
    const login = client.actions.find(({ Action }) => Action === "Login");
    expect(login?.["Username"]).toBe("ringpost");
    expect(machine.text("/etc/asterisk/ringpost-manager.conf")).toContain(`secret = ${login?.["Secret"] ?? "?"}`);
    client.say(["Event: Newchannel", `Channel: PJSIP/${PHONE}-1`, `CallerIDNum: ${PHONE}`, "Uniqueid: 1.1"]);
    await expect
      .poll(async () => (await database.pool.query("SELECT count(*)::int AS n FROM ami_events")).rows[0], {
        timeout: 10_000,
      })
      .not.toEqual({ n: 0 });
    const status = JSON.parse((await machine.do(AGENT, "status", "--json")).stdout);
    expect(status).toMatchObject({ running: true, ami: { state: "connected" }, server: { state: "ok" } });
  });

  it("shows no secret in the arguments of any process, in its log or in its diagnostics", async () => {
    const key = /key = "(.*)"/.exec(machine.text(CONFIG))?.[1] ?? "?";
    const secret = /secret = (\S+)/.exec(machine.text("/etc/asterisk/ringpost-manager.conf"))?.[1] ?? "?";
    const { stdout: argv } = await machine.do("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    await machine.do(AGENT, "diagnostics", "--output", "/tmp/d.zip", "--log", "/var/log/ringpost-agent.log");
    const packed = Object.values(unzipSync(readFileSync(join(machine.root, "tmp/d.zip")))).map((file) =>
      Buffer.from(file).toString(),
    );
    expect(packed.join("")).toContain('"running": true');
    for (const text of [argv, machine.text("/var/log/ringpost-agent.log"), ...packed])
      for (const hidden of [key, secret, PHONE]) expect(text).not.toContain(hidden);
  });

  it("does no harm when it is run again: the same files, the same key, nothing asked twice", async () => {
    const before = await machine.fingerprint("/etc /usr/bin");
    const { stdout } = await machine.do(AGENT, "install", "--server", url, "--code", "2222-2222-2222-2222");
    expect(stdout.match(/^already /gm)).toHaveLength(7);
    expect(await machine.fingerprint("/etc /usr/bin")).toBe(before);
    const { rows } = await database.pool.query("SELECT count(*)::int AS n FROM site_keys");
    expect(rows).toEqual([{ n: 1 }]);
  });

  it("keeps the old version running when the new one does not start", async () => {
    const broken = join(folder, "broken");
    await writeFile(broken, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const pid = machine.agentPid;
    expect(runs(pid)).toBe(true);
    const { status, stderr } = await machine.install(await deb("0.1.1", broken));
    expect(status).not.toBe(0);
    expect(stderr).toContain("the version before stays in use");
    expect(machine.agentPid).toBe(pid);
    expect(runs(pid)).toBe(true);
    expect((await machine.do(AGENT, "status")).stdout).toContain("agent 0.1.0");
  });

  it("puts the old version back when the new one starts and then does not run", async () => {
    const mute = join(folder, "mute");
    await writeFile(mute, '#!/bin/sh\n[ "$1" = run ] && exit 1\n[ "$1" = status ] && exit 2\nexit 0\n', {
      mode: 0o755,
    });
    const { status, stderr } = await machine.install(await deb("0.1.2", mute));
    expect(status).not.toBe(0);
    expect(stderr).toContain("does not answer");
    await expect
      .poll(async () => (await machine.do(AGENT, "status")).stdout, { timeout: 15_000 })
      .toContain("agent 0.1.0");
  });

  it("takes a good new version, keeping outbox and settings", async () => {
    const stream = async () => JSON.parse((await machine.do(AGENT, "status", "--json")).stdout).outbox.stream as string;
    const [before, pid] = [await stream(), machine.agentPid];
    const { status } = await machine.install(await deb("0.1.3", BINARY));
    expect(status).toBe(0);
    expect(machine.agentPid).not.toBe(pid);
    expect(await stream()).toBe(before);
    expect(machine.has(`${AGENT}.previous`)).toBe(false);
  });

  it("removes all it added and nothing else; the outbox only when purged", async () => {
    const pid = machine.agentPid;
    expect((await machine.do("dpkg", "-r", "ringpost-agent")).status).toBe(0);
    expect(runs(pid)).toBe(false);
    expect(await machine.fingerprint("/etc/asterisk /etc/systemd")).toBe(etcBefore);
    expect(machine.has(CONFIG)).toBe(false);
    expect(machine.has("/var/lib/ringpost/outbox.db")).toBe(true);
    expect((await machine.do("dpkg", "-P", "ringpost-agent")).status).toBe(0);
    for (const path of ["/var/lib/ringpost", "/etc/ringpost", AGENT]) expect(machine.has(path)).toBe(false);
    expect(await machine.fingerprint(EVERYTHING)).toBe(machineBefore);
  });
});

describe.skipIf(impossible !== null)("the build", () => {
  it("makes the same bytes again", async () => {
    const files = ["once", "again"].map((name) => join(WORK, name));
    try {
      for (const file of files) await makeBinary({ ...(await bundle()), addon: await buildAddon(() => {}) }, file);
      const debs = await Promise.all(
        files.map(async (binary) => {
          await mkdir(`${binary}.d`, { recursive: true });
          return makeDeb({ binary, folder: `${binary}.d`, compressed: false });
        }),
      );
      const same = ([once, again]: string[]) => readFileSync(once ?? "").equals(readFileSync(again ?? ""));
      expect([same(files), same(debs)]).toEqual([true, true]);
    } finally {
      for (const file of files.flatMap((one) => [one, `${one}.d`])) rmSync(file, { recursive: true, force: true });
    }
  });
});

describe.skipIf(impossible !== null)("the binary on a system it cannot run on", () => {
  const sentence = /^ringpost-agent needs glibc 2\.28 or newer .*SSH tunnel.*\n$/;

  it.each([
    ["with the glibc of CentOS 7", true],
    ["without any glibc", false],
  ])("says so in one sentence and ends with 78: %s", async (_, old) => {
    const root = mkdtempSync(join(WORK, "old-"));
    try {
      copyFileSync(BINARY, join(root, "agent"));
      mkdirSync(join(root, "lib64"));
      if (old) {
        copyFileSync("/lib64/ld-linux-x86-64.so.2", join(root, "lib64/ld-linux-x86-64.so.2"));
        writeFileSync(join(root, "lib64/libc.so.6"), "GLIBC_2.2.5\0GLIBC_2.17\0");
      }
      const { status, stderr } = await run("chroot", [root, "/agent", "version"]);
      expect(stderr).toMatch(sentence);
      expect(status).toBe(78);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe.skipIf(impossible !== null)("the binary on a bare Debian 11", () => {
  it("runs and keeps an outbox without Node", async () => {
    const machine = await Machine.make("11", 1);
    try {
      expect((await machine.install(join(DIST, "ringpost-agent_0.1.0_amd64.deb"))).status).toBe(0);
      expect((await machine.do("sh", "-c", "command -v node")).status).not.toBe(0);
      expect(JSON.parse((await machine.do(AGENT, "self-test")).stdout)).toMatchObject({ good: true, glibc: "2.31" });
      // No code can be loaded from /tmp there: it finds another folder, and leaves nothing in either.
      const closed = `mount -t tmpfs -o noexec tmpfs /tmp && ${AGENT} self-test && ls -A /tmp /var/tmp`;
      expect((await machine.do("sh", "-c", closed)).stdout).toMatch(/"good":true.*\n\/tmp:\n\n\/var\/tmp:\n$/);
    } finally {
      await machine.remove();
    }
  });
});
