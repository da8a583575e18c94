import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { UNIT } from "../../../agent/install/unit.ts";
import { makeDeb } from "../../../deploy/build/deb.ts";
import { BINARY, WORK } from "../../../deploy/build/paths.ts";
import { buildApp } from "../../../server/http/app.ts";
import { addEnterprise } from "../../../server/store/addEnterprise.ts";
import { inviteSite } from "../../../server/store/inviteSite.ts";
import { createLogger } from "../../../shared/log.ts";
import { delay } from "../../asterisk/lab/command.ts";
import { FakeAmi } from "../../agent/fake-ami.ts";
import { testDatabase, type TestDatabase } from "../../support/postgres.ts";
import { Booted } from "./booted.ts";
import { hardening, PROBES } from "./probes.ts";

const impossible = inject("productImpossible") ?? inject("systemdImpossible");
const AGENT = "/usr/bin/ringpost-agent";
const CONFIG = "/etc/ringpost/agent.toml";
const EVENTS = 20_000;

// One PBX's life, in order: each test goes on where the one before ended.
describe.skipIf(impossible !== null)("the package under a real systemd", () => {
  let database: TestDatabase;
  let server: FastifyInstance;
  let url: string;
  let ami: FakeAmi;
  let machine: Booted;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(WORK, "systemd-test-"));
    database = await testDatabase();
    server = buildApp({ pool: database.pool, log: createLogger({ name: "test", level: "silent" }) });
    url = await server.listen({ host: "127.0.0.1", port: 0 });
    ami = await FakeAmi.start();
    machine = await Booted.make(ami.port);
    await machine.boot();
    const enterprise = { id: "0367", name: "T", token: "t", timezone: "UTC", extensions: null, trunks: [] };
    await addEnterprise(database.pool, enterprise);
  });
  afterAll(async () => {
    await machine.remove();
    await ami.stop();
    await server.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const deb = async (version: string, binary: string) => {
    return makeDeb({ binary, version, folder, compressed: false });
  };
  const script = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o755 });
    return file;
  };
  // oxlint-disable-next-line typescript/no-explicit-any -- the fields that matter are named where they are read
  const status = async (): Promise<any> => JSON.parse((await machine.do(AGENT, "status", "--json")).stdout);
  const connected = () => expect.poll(async () => (await status()).ami?.state, { timeout: 20_000 }).toBe("connected");
  const stored = async () =>
    (await database.pool.query<{ n: number }>("SELECT count(*)::int AS n FROM ami_events WHERE event = 'Test'")).rows[0]
      ?.n ?? 0;

  it("is installed, set up and started, and systemd says that it runs under its own user", async () => {
    expect((await machine.install(await deb("0.1.0", BINARY))).status).toBe(0);
    const invite = await inviteSite(database.pool, { enterpriseId: "0367", host: "10.0.0.1", name: "PBX" }, 1);
    const startedAt = performance.now();
    const { stdout } = await machine.do(AGENT, "install", "--server", url, "--code", invite?.code ?? "");
    process.stdout.write(`install, doctor included: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
    expect(stdout).toMatch(/good +the agent runs[\s\S]*good +service starts at boot +enabled/);
    expect(await machine.show("ActiveState", "UnitFileState", "User", "NRestarts", "Type")).toEqual({
      Type: "notify",
      ActiveState: "active",
      UnitFileState: "enabled",
      User: "ringpost",
      NRestarts: "0",
    });
    await connected();
  });

  it("runs without a capability, unable to gain any, behind a filter of system calls", async () => {
    const { MainPID = "" } = await machine.show("MainPID");
    const { stdout } = await machine.do("cat", `/proc/${MainPID}/status`);
    for (const line of ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"])
      expect(stdout).toContain(line);
    expect(stdout).not.toMatch(/^Uid:\t0\t/m);
  });

  it(`takes ${EVENTS} events behind that filter, long enough for V8 to compile while it runs`, async () => {
    const { socket } = await ami.ready();
    const event = (n: number) => `Event: Test\r\nN: ${n}\r\n\r\n`;
    for (let n = 0; n < EVENTS; n += 500)
      socket.write(Array.from({ length: 500 }, (_, more) => event(n + more)).join(""));
    await expect.poll(stored, { timeout: 60_000 }).toBe(EVENTS);
    expect(await machine.show("NRestarts", "ActiveState")).toEqual({ NRestarts: "0", ActiveState: "active" });
  });

  it("would not run with MemoryDenyWriteExecute, the one thing that is left open: V8 makes machine code", async () => {
    const run = (...more: string[]) => machine.do("systemd-run", "--wait", "--quiet", "-p", "User=ringpost", ...more);
    expect((await run(...hardening(), AGENT, "version")).status).toBe(0);
    expect((await run(...hardening(), "-p", "MemoryDenyWriteExecute=yes", AGENT, "version")).status).not.toBe(0);
  });

  it("is kept from what its user could do without the unit's lines, each of them", async () => {
    const prepared = "mkdir -p /srv/open /home/open && chmod 777 /srv/open && echo 1 | tee /tmp/outside /dev/outside";
    expect((await machine.do("sh", "-c", prepared)).status).toBe(0);
    const run = async (command: string, ...more: string[]) =>
      (await machine.do("systemd-run", "--wait", "--quiet", "-p", "User=ringpost", ...more, "sh", "-c", command))
        .status;
    const told = await Promise.all(
      PROBES.map(async ([lines, command]) => [lines, await run(command), (await run(command, ...hardening())) === 0]),
    );
    expect(told).toEqual(PROBES.map(([lines]) => [lines, 0, false]));
  });

  it("has a low exposure by systemd's own measure", async () => {
    const { stdout } = await machine.do("systemd-analyze", "security", "--no-pager", "ringpost-agent");
    const level = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
    process.stdout.write(`systemd-analyze security under systemd 252: exposure ${level ?? "?"} of 10\n`);
    expect(Number(level)).toBeLessThan(1.5);
  });

  it("writes to the journal, and `logs` reads it there", async () => {
    const { stdout, status: exit } = await machine.do(AGENT, "logs", "--lines", "50");
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}info {3}the agent runs/m);
  });

  it("goes on with the same outbox after `systemctl restart`, after a kill -9, and after the machine was off", async () => {
    const { stream } = (await status()).outbox;
    expect((await machine.do("systemctl", "restart", "ringpost-agent")).status).toBe(0);
    await connected();
    await machine.do("systemctl", "kill", "--signal=KILL", "ringpost-agent");
    await expect.poll(async () => (await machine.show("NRestarts"))["NRestarts"], { timeout: 20_000 }).toBe("1");
    await connected();
    await machine.stop();
    await machine.boot();
    await connected();
    expect((await status()).outbox.stream).toBe(stream);
  }, 120_000);

  it("tells systemd that it advances, and is started anew when it hangs", async () => {
    const dropIn = "/etc/systemd/system/ringpost-agent.service.d/soon.conf";
    machine.put(dropIn, "[Service]\nWatchdogSec=3\n");
    await machine.do("systemctl", "daemon-reload");
    await machine.do("systemctl", "restart", "ringpost-agent");
    await connected();
    const { MainPID } = await machine.show("MainPID");
    // Longer than systemd's patience: as long as it advances it stays.
    await delay(7_000);
    expect(await machine.show("MainPID", "NRestarts")).toEqual({ MainPID, NRestarts: "0" });
    await machine.do("systemctl", "kill", "--signal=STOP", "ringpost-agent");
    await expect.poll(async () => (await machine.show("NRestarts"))["NRestarts"], { timeout: 30_000 }).toBe("1");
    await connected();
    await machine.do("rm", dropIn);
    await machine.do("systemctl", "daemon-reload");
    await machine.do("systemctl", "restart", "ringpost-agent");
    await connected();
  }, 90_000);

  it("is started again for ever while it cannot keep an outbox, and runs as soon as it can", async () => {
    const outbox = "/var/lib/ringpost/outbox.db";
    await machine.do("systemctl", "stop", "ringpost-agent");
    await machine.do("sh", "-c", `mkdir /root/kept && mv ${outbox}* /root/kept && mkdir ${outbox}`);
    await machine.do("systemctl", "start", "ringpost-agent");
    const restarts = async () => Number((await machine.show("NRestarts"))["NRestarts"]);
    // systemd itself gives up after five failures in ten seconds.
    await expect.poll(restarts, { timeout: 40_000, interval: 500 }).toBeGreaterThan(6);
    await machine.do("sh", "-c", `rmdir ${outbox} && mv /root/kept/* /var/lib/ringpost/`);
    await connected();
  }, 90_000);

  it("stays off, and is not started again and again, when its settings cannot be used", async () => {
    const good = machine.text(CONFIG);
    await machine.do("sh", "-c", `echo '[live]\nwindow_seconds = 0' >> ${CONFIG}`);
    await machine.do("systemctl", "restart", "ringpost-agent");
    const ended = async () => machine.show("ActiveState", "ExecMainStatus", "NRestarts");
    await expect.poll(ended, { timeout: 20_000 }).toMatchObject({ ActiveState: "failed", ExecMainStatus: "78" });
    expect((await machine.do(AGENT, "status")).status).toBe(78);
    await machine.do("sh", "-c", `cat > ${CONFIG} <<'END'\n${good}END`);
    await machine.do("systemctl", "restart", "ringpost-agent");
    await connected();
  });

  it("keeps the old version running when the new one does not start, or starts and does not run", async () => {
    const { MainPID } = await machine.show("MainPID");
    const broken = await machine.install(await deb("0.1.1", await script("broken-real", "#!/bin/sh\nexit 1\n")));
    expect(broken.stderr).toContain("the version before stays in use");
    expect(await machine.show("MainPID", "ActiveState")).toEqual({ MainPID, ActiveState: "active" });
    const text = '#!/bin/sh\n[ "$1" = run ] && exit 1\n[ "$1" = status ] && exit 2\nexit 0\n';
    const mute = await machine.install(await deb("0.1.2", await script("mute-real", text)));
    expect(mute.status).not.toBe(0);
    expect(mute.stderr).toContain("the version before stays in use");
    for (const path of ["/usr/bin", "/lib/systemd/system"])
      expect((await machine.do("sh", "-c", `ls ${path}/*.previous`)).stdout).toBe("");
    await connected();
    expect((await machine.do(AGENT, "status")).stdout).toContain("agent 0.1.0");
  }, 120_000);

  it("takes a good new version, and is taken away by dpkg, unit and all", async () => {
    expect((await machine.install(await deb("0.1.3", BINARY))).status).toBe(0);
    await connected();
    expect((await machine.do("dpkg", "-P", "ringpost-agent")).status).toBe(0);
    expect(await machine.show("ActiveState", "LoadState")).toEqual({ ActiveState: "inactive", LoadState: "not-found" });
    for (const path of ["/var/lib/ringpost", "/etc/ringpost", AGENT]) expect(machine.has(path)).toBe(false);
  });

  it("has every hardening line of the unit proved above, or by capability, or named as not proved here", () => {
    const proved = PROBES.map(([lines]) => lines.split("=")[0]);
    const byCapability = ["NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectClock"].concat([
      "ProtectHostname",
      "ProtectKernelLogs",
      "ProtectKernelModules",
      "RestrictRealtime",
      "PrivateMounts",
      "DevicePolicy",
    ]);
    // The machine's /proc/sys and control groups are for reading only in the test as it is; RemoveIPC acts at the end.
    const notHere = ["ProtectControlGroups", "ProtectKernelTunables", "RemoveIPC", "SystemCallArchitectures"];
    const lines = UNIT.slice(UNIT.indexOf("NoNewPrivileges="), UNIT.indexOf("[Install]")).matchAll(/^(\w+)=/gm);
    const known = new Set([...proved, ...byCapability, ...notHere, "SystemCallErrorNumber"]);
    expect([...lines].map(([, name]) => name).filter((name) => !known.has(name))).toEqual([]);
  });
});
