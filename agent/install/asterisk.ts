import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RingpostError } from "../../shared/errors.ts";
import { AMI_USER } from "./ami-user.ts";
import { includesOf, readManagerConf, type ManagerConf } from "./manager-conf.ts";

/** Where Asterisk's AMI is configured on this machine, and where the agent's own file goes. */
export interface FoundAsterisk {
  folder: string;
  managerConf: string;
  ami: ManagerConf;
  /** The agent's own file. */
  ownFile: string;
  /** The file that must include it and the line; null when a wildcard takes it in. */
  include: { file: string; line: string } | null;
}

const INCLUDE_LINE = `#include ${AMI_USER}-manager.conf`;
/** Taken in by manager.conf on FreePBX, which writes manager.conf itself. */
const FREEPBX_CUSTOM = "manager_custom.conf";

/** @param root "" on a real machine. @throws RingpostError when there is no manager.conf. */
export function findAsterisk(root: string): FoundAsterisk {
  const folder = join(root, "/etc/asterisk");
  const managerConf = join(folder, "manager.conf");
  if (!existsSync(managerConf))
    throw new RingpostError({
      code: "asterisk_not_found",
      attempted: "find Asterisk",
      on: managerConf,
      found: "there is no such file",
      retry: "no",
      next: "Run this on the PBX itself. When Asterisk runs in a container or elsewhere, see docs/agent.md",
    });
  const text = readFileSync(managerConf, "utf8");
  const ami = readManagerConf(text, (pattern) => textOf(folder, pattern));
  return { folder, managerConf, ami, ...place(folder, text) };
}

/** Two users of one name are one to Asterisk, with the rights of both. @throws RingpostError when somebody made one by hand. */
export function refuseForeignUser({ ami, managerConf, ownFile }: FoundAsterisk): void {
  if (!ami.users.has(AMI_USER) || existsSync(ownFile)) return;
  throw new RingpostError({
    code: "ami_user_taken",
    attempted: `add the AMI user ${AMI_USER}`,
    on: managerConf,
    found: `there is a user [${AMI_USER}] already, which install did not make`,
    retry: "no",
    next: "Remove that section from manager.conf or the files it includes, then run this again",
  });
}

function place(folder: string, text: string): Pick<FoundAsterisk, "ownFile" | "include"> {
  const includes = includesOf(text);
  if (includes.some((name) => name.endsWith("manager.d/*.conf")))
    return { ownFile: join(folder, "manager.d", `${AMI_USER}.conf`), include: null };
  const ownFile = join(folder, `${AMI_USER}-manager.conf`);
  const host = includes.includes(FREEPBX_CUSTOM) ? FREEPBX_CUSTOM : "manager.conf";
  return { ownFile, include: { file: join(folder, host), line: INCLUDE_LINE } };
}

function textOf(folder: string, pattern: string): string | undefined {
  const files = globSync(pattern.startsWith("/") ? pattern : join(folder, pattern)).toSorted();
  return files.length === 0 ? undefined : files.map((file) => readFileSync(file, "utf8")).join("\n");
}
