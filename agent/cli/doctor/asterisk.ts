import type { RepairStatus } from "../../recover/repair.ts";
import { firstOf, type Headers } from "../../../shared/ami-message.ts";
import { networkInterfaces } from "node:os";
import { AmiConnection } from "../../ami/connection.ts";
import { isInUse, isRefused } from "../../ami/facts.ts";
import type { AgentStatus } from "../../control/agent-status.ts";
import { READ_CLASSES } from "../../install/ami-user.ts";
import { findAsterisk, type FoundAsterisk } from "../../install/asterisk.ts";
import { isLoopback, type Settings } from "../../settings.ts";
import { fail, foundOf, judge, pass, skip, warn, type Check, type CheckName } from "./checks.ts";
import { checkRecords, toldRecords } from "./records.ts";

const VERSION_OLDEST = [13, 5] as const;
const NEEDED = ["CoreShowChannels", "Status", "CoreStatus", "CoreSettings", "Ping"];
/** With any of these a stolen secret can place calls, change settings or run programs. */
const TOO_WIDE = ["Command", "Originate", "UpdateConfig", "Redirect", "DBPut", "ModuleLoad", "Hangup", "Setvar"];
const WRITE_TIMEOUT_MS_MIN = 1_000;
const CLOCK_MS_MAX = 5_000;

/** What Asterisk's own settings say; they are only there when the agent stands on the PBX. */
export function checkFiles({ ami, outbox }: Settings, root: string, repair: RepairStatus | null): Check[] {
  const names: CheckName[] = ["asterisk", "write_timeout", "timestamp_events", "ami_closed", "cdr_cel"];
  const records = repair === null ? checkRecords(outbox.path, root) : toldRecords(repair);
  if (!isThisMachine(ami.host)) return names.map((name) => skip(name, `Asterisk is on another host: ${ami.host}`));
  try {
    return [...checkManager(findAsterisk(root), ami.username), records];
  } catch (error) {
    const reason = foundOf(error);
    return names.map((name) => (name === "asterisk" ? warn(name, reason) : skip(name, "no manager.conf here")));
  }
}

function isThisMachine(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  return isLoopback(host) || own.includes(host);
}

function checkManager({ managerConf, ami }: FoundAsterisk, username: string): Check[] {
  const user = ami.users.get(username.toLowerCase());
  return [
    pass("asterisk", managerConf),
    user === undefined
      ? skip("write_timeout", `no user [${username}] in manager.conf`)
      : judge("write_timeout", user.writeTimeoutMs >= WRITE_TIMEOUT_MS_MIN, `${user.writeTimeoutMs} ms`, "warn"),
    judge("timestamp_events", ami.timestampEvents, ami.timestampEvents ? "yes" : "no", "warn"),
    judge("ami_closed", isLoopback(ami.bindaddr), `bindaddr = ${ami.bindaddr}`, "warn"),
  ];
}

/** The event classes that the agent needs and its user is not sent, as far as the settings beside it tell. */
function missingClasses({ ami }: Settings, root: string): string[] {
  if (!isThisMachine(ami.host)) return [];
  try {
    const read = findAsterisk(root).ami.users.get(ami.username.toLowerCase())?.read ?? ["all"];
    return read.includes("all") ? [] : READ_CLASSES.filter((name) => !read.includes(name));
  } catch {
    return [];
  }
}

/** Logs in beside the agent, asks what it may, and leaves. `agent`: the running one, when there is one. */
export async function checkAmi(settings: Settings, root: string, agent: AgentStatus["ami"] | null): Promise<Check[]> {
  const { ami } = settings;
  const rest: CheckName[] = [
    "ami_login",
    "asterisk_version",
    "rights_needed",
    "rights_wide",
    "system_name",
    "clock_pbx",
  ];
  const without = (names: readonly CheckName[]) => names.map((name) => skip(name, "AMI gave no answer"));
  let connection: AmiConnection;
  try {
    connection = await AmiConnection.open(ami, () => performance.now());
  } catch (error) {
    return [fail("ami_reachable", foundOf(error)), ...without(rest)];
  }
  const reachable = pass("ami_reachable", `${ami.host}:${ami.port}, AMI ${connection.amiVersion}`);
  try {
    const login = await connection.action("Login", { Username: ami.username, Secret: ami.secret, Events: "off" });
    if (isRefused(login) && agent?.state === "connected" && isInUse(login))
      return [reachable, pass("ami_login", "in use already: one login at a time"), ...without(rest.slice(1))];
    if (isRefused(login))
      return [reachable, fail("ami_login", firstOf(login["Message"]) ?? "refused"), ...without(rest.slice(1))];
    return [
      reachable,
      pass("ami_login", ami.username),
      ...(await checkSession(connection, missingClasses(settings, root))),
    ];
  } catch (error) {
    return [reachable, fail("ami_login", foundOf(error)), ...without(rest.slice(1))];
  } finally {
    connection.close("done");
  }
}

async function checkSession(connection: AmiConnection, unheard: readonly string[]): Promise<Check[]> {
  const settings = await connection.action("CoreSettings");
  const commands = await connection.action("ListCommands");
  const sentAt = Date.now();
  const ping = await connection.action("Ping");
  return [
    checkVersion(firstOf(settings["AsteriskVersion"])),
    ...checkRights(commands, isRefused(settings), unheard),
    pass("system_name", firstOf(settings["SystemName"]) || "none set"),
    checkClock(Number(firstOf(ping["Timestamp"]) ?? Number.NaN) * 1000 - (sentAt + Date.now()) / 2),
  ];
}

function checkVersion(version: string | undefined): Check {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version ?? "") ?? []).slice(1).map(Number);
  const [oldestMajor, oldestMinor] = VERSION_OLDEST;
  const holds = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return version === undefined
    ? warn("asterisk_version", "not told")
    : judge("asterisk_version", holds, version, "fail");
}

/** ListCommands names what this user may do; where it names nothing, the refused settings are all that is known. */
function checkRights(commands: Headers, settingsRefused: boolean, unheard: readonly string[]): Check[] {
  const told = commands["Ping"] !== undefined;
  const refused = told
    ? NEEDED.filter((name) => commands[name] === undefined)
    : settingsRefused
      ? ["CoreSettings"]
      : [];
  const needed =
    refused.length > 0
      ? fail("rights_needed", `refused: ${refused.join(", ")}`)
      : unheard.length > 0
        ? warn("rights_needed", `not in its read line: ${unheard.join(", ")}`)
        : pass("rights_needed", told ? NEEDED.join(", ") : "CoreSettings");
  if (!told) return [needed, skip("rights_wide", "Asterisk does not tell what this user may")];
  const wide = TOO_WIDE.filter((name) => commands[name] !== undefined);
  return [
    needed,
    judge(
      "rights_wide",
      wide.length === 0,
      wide.length === 0 ? "reporting" : `also allowed: ${wide.join(", ")}`,
      "warn",
    ),
  ];
}

function checkClock(aheadMs: number): Check {
  if (Number.isNaN(aheadMs)) return skip("clock_pbx", "not told");
  return judge("clock_pbx", Math.abs(aheadMs) < CLOCK_MS_MAX, `${(aheadMs / 1000).toFixed(1)} s ahead`, "warn");
}
