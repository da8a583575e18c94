import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isSea } from "node:sea";
import { stringify } from "smol-toml";
import { ENROL_PATH } from "../../shared/enrol.ts";
import { RingpostError } from "../../shared/errors.ts";
import { AMI_USER, amiUserConf, secretIn, switchedOnIn } from "./ami-user.ts";
import type { FoundAsterisk } from "./asterisk.ts";
import { postJson } from "./exchange.ts";
import { isLoopback } from "../settings.ts";
import { amiHostOf, type ManagerConf } from "./manager-conf.ts";
import { addTo, writeAdded, type Added } from "./record.ts";
import { SERVICE, SERVICE_USER, type Owner, type System } from "./system.ts";
import { UNIT } from "./unit.ts";

export const CONFIG = "/etc/ringpost/agent.toml";
export const STATE_FOLDER = "/var/lib/ringpost";
export const OUTBOX = `${STATE_FOLDER}/outbox.db`;
export const BINARY = "/usr/bin/ringpost-agent";
const UNIT_FILE = `/etc/systemd/system/${SERVICE}.service`;
const PACKAGED_UNIT = `/lib/systemd/system/${SERVICE}.service`;

export interface InstallOptions {
  server: string;
  code: string;
  caFile?: string | undefined;
  allowPlainHttp: boolean;
}

/** What a step is about, for whoever words it, and on what. */
export type StepName =
  | "ami_user"
  | "ami_include"
  | "ami_reload"
  | "system_user"
  | "state_folder"
  | "enrol"
  | "binary"
  | "unit"
  | "service";

export interface Step {
  name: StepName;
  on: string;
  /** Whether all this step would do is there already, or is nothing for this machine. */
  done: boolean;
  /** This machine has no systemd: whoever installs sees to it that the agent runs. */
  notHere?: boolean;
  run(): Promise<void>;
}

export interface Work {
  system: System;
  asterisk: FoundAsterisk;
  options: InstallOptions;
  added: Added;
}

/** All steps of an installation in their order. Nothing is done until a step is run. */
export function installSteps(work: Work): Step[] {
  return [
    amiUser(work),
    amiInclude(work),
    amiReload(work),
    systemUser(work),
    stateFolder(work),
    enrol(work),
    binary(work),
    unit(work),
    service(work),
  ];
}

function amiUser(work: Work): Step {
  const { system, asterisk } = work;
  const before = system.read(asterisk.ownFile);
  const { ami } = asterisk;
  const needed = ami.enabled ? null : ami.hasGeneral ? "[general](+)" : "[general]";
  const switchOn = switchedOnIn(before ?? "") ?? needed;
  const known = secretIn(before ?? "") ?? secretOfSettings(system);
  const secret = known ?? randomBytes(24).toString("base64url");
  const text = amiUserConf(secret, switchOn, switchOn === null ? amiHostOf(ami) : "127.0.0.1");
  return step("ami_user", asterisk.ownFile, before === text, () => {
    const { uid, gid } = system.ownerOf(asterisk.managerConf);
    put(work, asterisk.ownFile, text, 0o640, { uid, gid });
  });
}

/** The agent is set up already and only Asterisk's side is gone: both go on with one secret. */
function secretOfSettings(system: System): string | undefined {
  return /^secret = "([\w-]+)"$/m.exec(system.read(system.path(CONFIG)) ?? "")?.[1];
}

function amiInclude({ system, asterisk, added }: Work): Step {
  const { include } = asterisk;
  const text = include === null ? "" : (system.read(include.file) ?? "");
  const done = include === null || text.split(/\r?\n/).includes(include.line);
  return step("ami_include", include?.file ?? "", done, () => {
    if (include === null) return;
    // A file that manager.conf only tries to take in may not be there yet.
    const missing = !existsSync(include.file);
    if (missing) note(system, added, () => addTo(added.files, include.file));
    const { uid, gid, mode } = system.ownerOf(missing ? asterisk.managerConf : include.file);
    const glue = text === "" || text.endsWith("\n") ? "" : "\n";
    note(system, added, () => addTo(added.lines, { ...include, newline: glue !== "" }));
    system.write(include.file, `${text}${glue}${include.line}\n`, mode, { uid, gid });
  });
}

/** Always done: whether Asterisk has read the file cannot be seen from here, and reading it again harms nothing. */
function amiReload({ system }: Work): Step {
  return step("ami_reload", "asterisk -rx 'manager reload'", false, () => {
    system.run("asterisk", ["-rx", "manager reload"], "Check that Asterisk runs, then run this command again");
  });
}

function systemUser({ system, added }: Work): Step {
  return step("system_user", SERVICE_USER, system.userId(SERVICE_USER) !== undefined, () => {
    const options = [
      "--system",
      "--user-group",
      "--no-create-home",
      "--home-dir",
      STATE_FOLDER,
      "--shell",
      "/usr/sbin/nologin",
    ];
    const inRoot = system.root === "" ? [] : ["--prefix", system.root];
    note(system, added, () => (added.user = true));
    system.run(
      "useradd",
      [...inRoot, ...options, SERVICE_USER],
      "Make a system user ringpost by hand, then run this command again",
    );
  });
}

function stateFolder({ system, added }: Work): Step {
  const folder = system.path(STATE_FOLDER);
  const done = existsSync(folder) && system.ownerOf(folder).mode === 0o700;
  return step("state_folder", STATE_FOLDER, done, () => {
    note(system, added, () => addTo(added.folders, ...system.missingFolders(folder)));
    system.makeFolder(folder);
    const { uid, gid } = serviceOwner(system);
    chownSync(folder, uid, gid);
    chmodSync(folder, 0o700);
  });
}

function enrol(work: Work): Step {
  const { system, asterisk, options } = work;
  const file = system.path(CONFIG);
  const done = existsSync(file) && readFileSync(file, "utf8").includes(`url = "${options.server}"`);
  return step("enrol", `${options.server} -> ${CONFIG}`, done, async () => {
    const { status, body } = await postJson(options.server, ENROL_PATH, {
      caFile: options.caFile,
      body: { code: options.code },
    });
    if (status !== 200 || typeof body["key"] !== "string") throw refusedCode(options.server, status, body["message"]);
    const secret = secretIn(system.read(asterisk.ownFile) ?? "") ?? "";
    const text = settings(options, body["key"], asterisk.ami, secret);
    put(work, file, text, 0o600, serviceOwner(system));
  });
}

function refusedCode(server: string, status: number, message: unknown): RingpostError {
  const found = typeof message === "string" ? message : `status ${status}`;
  const next = "Ask for a new code and run this command again: what was done so far stays";
  return new RingpostError({ code: "code_refused", attempted: "enrol", on: server, found, retry: "no", next });
}

function settings(
  { server, caFile, allowPlainHttp }: InstallOptions,
  key: string,
  ami: ManagerConf,
  secret: string,
): string {
  const more = {
    ...(caFile === undefined ? {} : { ca_file: caFile }),
    ...(allowPlainHttp ? { allow_plain_http: true } : {}),
  };
  const host = ami.enabled ? amiHostOf(ami) : "127.0.0.1";
  return `# Written by ringpost-agent install. All settings: ringpost-agent config show\n${stringify({
    server: { url: server, key, ...more },
    ami: { host, port: ami.port, username: AMI_USER, secret },
    outbox: { path: OUTBOX },
    // Its files are this machine's, whatever its address looks like.
    ...(isLoopback(host) ? {} : { recover: { root: "/" } }),
  })}\n`;
}

/** The package has put it there already; a binary that was carried here copies itself. */
function binary(work: Work): Step {
  const { system } = work;
  const target = system.path(BINARY);
  const done = existsSync(target) && (!isSea() || readFileSync(target).equals(readFileSync(process.execPath)));
  return step("binary", BINARY, done || !isSea(), () => {
    put(work, target, readFileSync(process.execPath), 0o755);
  });
}

function unit(work: Work): Step {
  const { system } = work;
  const file = system.path(UNIT_FILE);
  const done = existsSync(system.path(PACKAGED_UNIT)) || system.read(file) === UNIT;
  return step("unit", UNIT_FILE, done, () => {
    put(work, file, UNIT, 0o644);
  });
}

/** Also when it runs already: the settings may be new. */
function service({ system }: Work): Step {
  const start = step("service", `systemctl enable --now ${SERVICE}`, !system.hasSystemd, () => {
    const next = `See: journalctl -u ${SERVICE}`;
    system.run("systemctl", ["daemon-reload"], next);
    system.run("systemctl", ["enable", SERVICE], next);
    system.run("systemctl", ["restart", SERVICE], next);
  });
  return { ...start, notHere: !system.hasSystemd };
}

function serviceOwner(system: System): Owner {
  return system.userId(SERVICE_USER) ?? { uid: 0, gid: 0 };
}

function step(name: StepName, on: string, done: boolean, run: () => void | Promise<void>): Step {
  return { name, on, done, run: async () => run() };
}

/** A file of ours: first noted, with the folders it needs, then written. */
function put({ system, added }: Work, file: string, content: string | Buffer, mode: number, owner?: Owner): void {
  note(system, added, () => {
    addTo(added.folders, ...system.missingFolders(dirname(file)));
    addTo(added.files, file);
  });
  system.write(file, content, mode, owner);
}

function note(system: System, added: Added, change: () => unknown): void {
  change();
  writeAdded(system, added);
}
