import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { OUTBOX } from "../../agent/install/steps.ts";
import { buildApp } from "../../server/http/app.ts";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { inviteSite } from "../../server/store/inviteSite.ts";
import { createLogger } from "../../shared/log.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { askAmi } from "./ask-ami.ts";
import type { Release } from "./lab/releases.ts";
import { end, OwnPbx } from "./own-pbx.ts";

const general = (port: number, more = "") =>
  `[general]\nenabled = yes\nport = ${port}\nbindaddr = 127.0.0.1\ntimestampevents = yes\n${more}`;

/** How the PBXs people have lay AMI out. Files as they are before the installation. */
const LAYOUTS: readonly [name: string, files: (port: number) => Record<string, string>][] = [
  [
    "FreePBX: manager_custom.conf is taken in by a manager.conf nobody may edit",
    (port) => ({
      "manager.conf": general(
        port,
        "displayconnects = no\n\n[admin]\nsecret = amp111\ndeny=0.0.0.0/0.0.0.0\npermit=127.0.0.1/255.255.255.0\nread = all\nwrite = all\n\n#include manager_additional.conf\n#include manager_custom.conf\n",
      ),
      "manager_additional.conf": ";generated\n",
      "manager_custom.conf": "",
    }),
  ],
  [
    "plain: one manager.conf, no newline at its end, one login at a time",
    (port) => ({ "manager.conf": `${general(port, "allowmultiplelogin = no\n")}; the end` }),
  ],
  [
    "written by many hands: templates, comments over several lines, two [general], line ends of Windows",
    (port) => ({
      "manager.conf": [
        ";-- [general]",
        "enabled = no",
        "[ringpost]",
        "read = all",
        "--;[base](!)",
        "\ttimestampevents => yes ; the PBX's own time",
        "bindaddr = 127.0.0.1",
        "[ringpost](!)",
        "write = all",
        "[general](base)",
        "enabled = yes",
        "[general](+)",
        `port = ${port}`,
        "[general]",
        "enabled = no",
        "port = 1",
        "",
      ].join("\r\n"),
    }),
  ],
  [
    "AMI switched off: the agent's own file turns it on, for this machine only",
    (port) => ({
      "manager.conf": `[general]\nenabled = no\nport = ${port}\nbindaddr = 0.0.0.0\ntimestampevents = yes\n`,
    }),
  ],
];

/** With any of these a stolen secret could place calls, change settings or run programs. */
const FORBIDDEN = [
  ["Action: Originate", "Channel: Local/150@office", "Application: Wait", "Data: 1"],
  ["Action: Command", "Command: core show version"],
  ["Action: UpdateConfig", "SrcFilename: manager.conf", "DstFilename: manager.conf"],
  ["Action: GetConfig", "Filename: manager.conf"],
  ["Action: Redirect", "Channel: Local/150@office-1", "Exten: 150", "Context: office", "Priority: 1"],
  ["Action: Hangup", "Channel: Local/150@office-1"],
  ["Action: Setvar", "Variable: A", "Value: b"],
  ["Action: DBPut", "Family: a", "Key: b", "Val: c"],
  ["Action: ModuleLoad", "LoadType: reload"],
];
const NEEDED = [
  ["Action: Ping"],
  ["Action: CoreStatus"],
  ["Action: CoreSettings"],
  ["Action: CoreShowChannels"],
  ["Action: Status"],
];

/** Declares, for one release, what an installation does to a real Asterisk, and that taking it away leaves nothing. */
export function installs(release: Release): void {
  const impossible = inject("labImpossible");
  const binary = inject("agentBinary");
  describe.skipIf(impossible !== null || binary === null)(`install beside a real Asterisk ${release}`, () => {
    let database: TestDatabase;
    let server: FastifyInstance;
    let url: string;
    let pbx: OwnPbx;

    beforeAll(async () => {
      [database, pbx] = await Promise.all([testDatabase(), OwnPbx.make(release, binary ?? "")]);
      server = buildApp({ pool: database.pool, log: createLogger({ name: "test", level: "silent" }) });
      url = await server.listen({ host: "127.0.0.1", port: 0 });
      const enterprise = { id: "0367", name: "T", token: "t", timezone: "UTC", extensions: null, trunks: [] };
      await addEnterprise(database.pool, enterprise);
    });
    afterAll(async () => {
      await pbx.remove();
      await server.close();
      await database.drop();
    });

    const code = async () =>
      (await inviteSite(database.pool, { enterpriseId: "0367", host: "10.0.0.1", name: "PBX" }, 1))?.code ?? "";
    const installed = async () => pbx.agent("install", "--server", url, "--code", await code());
    const login = () => {
      const secret = /^secret = "(.*)"$/m.exec(pbx.text("/etc/ringpost/agent.toml"))?.[1] ?? "";
      return { port: pbx.port, user: "ringpost", secret };
    };
    const level = async () => {
      const { stdout } = await pbx.agent("doctor", "--json");
      const { checks } = JSON.parse(stdout) as { checks: { name: string; result: string; found: string }[] };
      return checks.filter(({ result }) => result === "warn" || result === "fail");
    };

    it.each(LAYOUTS)("%s", async (_name, files) => {
      await pbx.boot(files(pbx.port));
      const before = await pbx.fingerprint("/etc/asterisk", "/etc/systemd", "/usr/bin");
      const { stdout, stderr } = await installed();
      expect(`${stderr}${stdout}`).toMatch(/good +AMI login +ringpost/);

      const said = await askAmi(login(), [...NEEDED, ...FORBIDDEN]);
      expect(said.get("Login")).toBe("Success");
      for (const [action = ""] of NEEDED) expect([action, said.get(action.slice(8))]).toEqual([action, "Success"]);
      for (const [action = ""] of FORBIDDEN)
        expect([action, said.get(action.slice(8))]).toEqual([action, "Error: Permission denied"]);
      expect((await askAmi({ ...login(), from: "127.0.0.2" }, [])).get("Login")).toMatch(/^Error/);

      const agent = pbx.startAgent();
      await expect.poll(level, { timeout: 20_000, interval: 300 }).toEqual([]);
      await pbx.console("channel originate Local/150@office application Wait 1");
      const told = "SELECT count(*)::int AS n FROM ami_events WHERE event IN ('Newchannel', 'Hangup')";
      await expect
        .poll(async () => (await database.pool.query<{ n: number }>(told)).rows[0]?.n, { timeout: 15_000 })
        .toBeGreaterThanOrEqual(4);
      await database.pool.query("TRUNCATE ami_events");
      await end(agent);

      const old = login();
      expect((await pbx.agent("uninstall", "--purge")).status).toBe(0);
      expect(await pbx.fingerprint("/etc/asterisk", "/etc/systemd", "/usr/bin")).toBe(before);
      expect(pbx.text("/etc/passwd")).not.toContain("ringpost");
      for (const path of [OUTBOX, "/etc/ringpost"]) expect(pbx.has(path)).toBe(false);
      expect(await askAmi(old, []).then((told) => told.get("Login"), String)).toMatch(/^Error/);
    });
  });
}
