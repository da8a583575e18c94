import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAsterisk, refuseForeignUser } from "../../agent/install/asterisk.ts";
import { amiUserConf, switchedOnIn } from "../../agent/install/ami-user.ts";
import { amiHostOf } from "../../agent/install/manager-conf.ts";
import { UNIT } from "../../agent/install/unit.ts";
import { parseSymbols, tooNew } from "../../deploy/build/symbols.ts";
import { run } from "../asterisk/lab/command.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ringpost-install-"));
  mkdirSync(join(root, "etc/asterisk/manager.d"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const conf = (name: string, text: string) => writeFileSync(join(root, "etc/asterisk", name), text);

describe("finding AMI on a PBX", () => {
  it("reads bind address, port and users through included files, comments and arrows", () => {
    conf(
      "manager.conf",
      "[general]\nenabled = yes ; on\nport=>5039\nbindaddr = 0.0.0.0\n#include manager_custom.conf\n[late]\nread = all\n",
    );
    conf("manager_custom.conf", "[crm]\nsecret = a\\;b\nread = call, agent\nwrite = originate\nwritetimeout = 300\n");
    const { ami } = findAsterisk(root);
    expect(ami).toMatchObject({ enabled: true, port: 5039, bindaddr: "0.0.0.0", timestampEvents: false });
    expect(ami.users.get("crm")).toEqual({ read: ["call", "agent"], write: ["originate"], writeTimeoutMs: 300 });
    expect(ami.users.get("late")?.writeTimeoutMs).toBe(100);
  });

  it("puts the agent's file where this PBX takes it in: a wildcard folder, FreePBX's custom file, or manager.conf", () => {
    conf("manager.conf", '[general]\n#include "manager.d/*.conf"\n');
    expect(findAsterisk(root)).toMatchObject({
      include: null,
      ownFile: join(root, "etc/asterisk/manager.d/ringpost.conf"),
    });
    conf("manager.conf", "[general]\n#include manager_additional.conf\n#include manager_custom.conf\n");
    expect(findAsterisk(root).include?.file).toBe(join(root, "etc/asterisk/manager_custom.conf"));
    conf("manager.conf", "[general]\nenabled = no\n");
    expect(findAsterisk(root)).toMatchObject({
      ami: { enabled: false },
      include: { file: join(root, "etc/asterisk/manager.conf") },
    });
  });

  it("lets the agent speak to the address AMI listens on, and come from no other", () => {
    for (const [bindaddr, host, permit] of [
      ["0.0.0.0", "127.0.0.1", "permit = 127.0.0.1/255.255.255.255"],
      ["10.1.2.3", "10.1.2.3", "permit = 10.1.2.3/255.255.255.255"],
      ["[::1]", "::1", "deny = ::/0\npermit = ::1/128"],
    ] as const) {
      conf("manager.conf", `[general]\nenabled = yes\nbindaddr = ${bindaddr}\n`);
      expect(amiHostOf(findAsterisk(root).ami)).toBe(host);
      expect(amiUserConf("s", null, host)).toContain(permit);
    }
  });

  it("does not run in circles when files include each other, however often", () => {
    const lines = ["manager.conf", "a.conf"].flatMap((name) => Array.from({ length: 30 }, () => `#include ${name}`));
    conf("manager.conf", `[general]\nenabled = yes\n${lines.join("\n")}\n[u]\nread = call\n`);
    conf("a.conf", lines.join("\n"));
    expect(findAsterisk(root).ami).toMatchObject({ enabled: true, users: new Map([["u", expect.anything()]]) });
  });

  it.each([
    ["comments over several lines", ";-- [general]\nenabled = no ;-- inner --;\n[ringpost]\nread = all\n--;[general]"],
    ["a ruler that looks like one", ";------------------\n[general]"],
    ["tabs and the line ends of Windows", "\t[general]\t; here\r\n\t#tryinclude\tnone.conf\r"],
    ["a device taken in", '#include "/dev/zero"\n[general]'],
    ["a template", "[base](!)\nport = 5040\n[general](base)"],
    ["a template of the same name", "[general](!)\nenabled = no\nbindaddr = 1.2.3.4\n[general]"],
    [
      "another section of the same name",
      "[general]\nenabled = yes\nport = 5041\n[general]\nenabled = no\n[general](+)",
    ],
    ["capital letters and arrows", "[GENERAL]\nBindAddr=>127.0.0.9"],
  ])("reads manager.conf as Asterisk does: %s", (_, text) => {
    conf("manager.conf", `${text}\nenabled = yes ; no\n;[ringpost]\n[crm](!)\nread = all\n`);
    const { ami } = findAsterisk(root);
    expect(ami).toMatchObject({ hasGeneral: true, enabled: true });
    expect(ami.port).toBe(Number(/port = (\d+)/.exec(text)?.[1] ?? 5038));
    expect(ami.bindaddr).toBe(/=>(\S+)/.exec(text)?.[1] ?? "0.0.0.0");
    expect([...ami.users.keys()]).toEqual([]);
  });

  it("adds to no [general] where there is none: Asterisk would refuse the whole file", () => {
    conf("manager.conf", "; nothing\n");
    expect(findAsterisk(root).ami).toMatchObject({ hasGeneral: false, enabled: false });
    expect(amiUserConf("s", "[general]")).toMatch(/^\[general\]\nenabled = yes$/m);
    expect(switchedOnIn(amiUserConf("s", "[general]"))).toBe("[general]");
    expect(switchedOnIn(amiUserConf("s", null))).toBeNull();
  });

  it("says what is wrong with a manager.conf that Asterisk or this user cannot read", () => {
    conf("manager.conf", "\u{FEFF}[general]\nenabled = yes\n");
    expect(() => findAsterisk(root)).toThrow(/byte order mark/);
    rmSync(join(root, "etc/asterisk/manager.conf"));
    mkdirSync(join(root, "etc/asterisk/manager.conf"));
    expect(() => findAsterisk(root)).toThrow(/as root/);
  });

  it("leaves a user of the same name alone that somebody made by hand", () => {
    conf("manager.conf", "[general]\n[RingPost]\nsecret = x\n");
    expect(() => refuseForeignUser(findAsterisk(root))).toThrow(/\[ringpost\] already/);
    conf("ringpost-manager.conf", "[ringpost]\n");
    expect(() => refuseForeignUser(findAsterisk(root))).not.toThrow();
  });

  it("says where to go when there is no Asterisk here", () => {
    expect(() => findAsterisk(join(root, "nothing"))).toThrow(/docs\/agent\.md/);
  });
});

describe("the systemd unit", () => {
  it("is hardened as far as V8 allows", async ({ skip }) => {
    writeFileSync(join(root, "ringpost-agent.service"), UNIT);
    const { status, stdout } = await run("systemd-analyze", [
      "security",
      "--offline=true",
      "--no-pager",
      join(root, "ringpost-agent.service"),
    ]);
    if (status === 127) skip("systemd-analyze is not installed");
    const level = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
    process.stdout.write(`systemd-analyze security: exposure ${level ?? "?"} of 10\n`);
    expect(Number(level)).toBeLessThan(1.5);
  });
});

describe("the proof that the binary runs on glibc 2.28", () => {
  it("finds every symbol that is newer, in each of the system's libraries", () => {
    const table = [
      "0000000000000000      DF *UND*	0000000000000000 (GLIBC_2.28) fcntl64",
      "0000000000000000      DF *UND*	0000000000000000 (GLIBC_2.34) pthread_once",
      "0000000000000000  w   DF *UND*	0000000000000000  GLIBC_2.2.5 malloc",
      "0000000000000000      DF *UND*	0000000000000000 (GLIBCXX_3.4.29) _ZSt28__throw_bad_array_new_lengthv",
      "0000000000001000 g    DF .text	0000000000000010  Base        napi_register_module_v1",
    ].join("\n");
    expect(parseSymbols(table)).toHaveLength(4);
    expect(tooNew(parseSymbols(table)).map(({ name }) => name)).toEqual([
      "pthread_once",
      "_ZSt28__throw_bad_array_new_lengthv",
    ]);
  });
});
