import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf, RingpostError } from "../../shared/errors.ts";
import { confText, includesOf, readConf } from "../recover/conf.ts";
import { AMI_USER } from "./ami-user.ts";
import { managerConfOf, type ManagerConf } from "./manager-conf.ts";

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
const WILDCARD = "manager.d/*.conf";
const BYTE_ORDER_MARK = "\u{FEFF}";
/** Taken in by manager.conf on FreePBX, which writes manager.conf itself. */
const FREEPBX_CUSTOM = "manager_custom.conf";

/** @param root "" on a real machine. @throws RingpostError when there is no manager.conf, or one that cannot be read. */
export function findAsterisk(root: string): FoundAsterisk {
  const folder = join(root, "/etc/asterisk");
  const managerConf = join(folder, "manager.conf");
  if (!existsSync(managerConf))
    throw notFound(
      managerConf,
      "there is no such file",
      "Run this on the PBX itself. When Asterisk runs in a container or elsewhere, see docs/agent.md",
    );
  const text = textOf(managerConf);
  if (text.startsWith(BYTE_ORDER_MARK))
    throw notFound(
      managerConf,
      "it begins with a byte order mark, and Asterisk refuses all of it",
      "Save it as UTF-8 without a byte order mark (an editor for Windows put it there), then run this again",
    );
  return { folder, managerConf, ami: managerConfOf(readConf(folder, "manager.conf")), ...place(folder, text) };
}

function textOf(file: string): string {
  try {
    return confText(file);
  } catch (error) {
    throw notFound(file, messageOf(error), "Run this as root (sudo), on a manager.conf that is a file");
  }
}

function notFound(on: string, found: string, next: string): RingpostError {
  return new RingpostError({ code: "asterisk_not_found", attempted: "find Asterisk", on, found, retry: "no", next });
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
  const includes = includesOf(text).map((name) => name.replace(/^\/etc\/asterisk\//, ""));
  if (includes.includes(WILDCARD)) return { ownFile: join(folder, "manager.d", `${AMI_USER}.conf`), include: null };
  const ownFile = join(folder, `${AMI_USER}-manager.conf`);
  const host = includes.includes(FREEPBX_CUSTOM) ? FREEPBX_CUSTOM : "manager.conf";
  return { ownFile, include: { file: join(folder, host), line: INCLUDE_LINE } };
}
