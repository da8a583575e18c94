import type { RepairStatus } from "../../recover/repair.ts";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { socketPath } from "../../control/socket.ts";
import { SERVICE_USER } from "../../install/system.ts";
import { pass, skip, warn, type Check } from "./checks.ts";

/** Where Asterisk writes its calls unless told otherwise. */
const FOLDER = "/var/log/asterisk";
const RECORDS = ["cdr-csv/Master.csv", "cdr-custom/Master.csv", "cel-custom/Master.csv", "master.db"];
const READ = 0o4;
const ENTER = 0o1;

interface User {
  name: string;
  uid: number;
  gids: ReadonlySet<number>;
}

/**
 * Whether the agent, not whoever asks, may read what Asterisk writes of its calls: by owner, group and mode of each file
 * and of the folders above it.
 */
export function checkRecords(outboxPath: string, root: string): Check {
  const files = RECORDS.map((name) => join(root, FOLDER, name)).filter((file) => existsSync(file));
  if (files.length === 0) return warn("cdr_cel", `none found in ${FOLDER}`);
  const user = agentUser(outboxPath, root);
  const readable = files.filter((file) => mayRead(file, user));
  if (readable.length > 0) return pass("cdr_cel", readable.join(", "));
  const closed = files[0] ?? "";
  return warn("cdr_cel", `${closed} is closed to the user ${user.name}`);
}

/** What the running agent itself has found: it looks where Asterisk's configuration says, as its own user. */
export function toldRecords({ enabled, sources, problems }: RepairStatus): Check {
  if (!enabled) return skip("cdr_cel", "the agent does not read them");
  const found = sources.map(({ kind, path }) => `${kind} ${path}`).join(", ");
  if (found !== "") return pass("cdr_cel", found);
  return warn("cdr_cel", problems[0] ?? `none found in ${FOLDER}`);
}

/** Whose socket it is when the agent runs; else the service's user, or whoever asks. */
function agentUser(outboxPath: string, root: string): User {
  const passwd = linesOf(join(root, "/etc/passwd"));
  const running = statSync(socketPath(outboxPath), { throwIfNoEntry: false })?.uid;
  const entry =
    passwd.find(([name, , uid]) => (running === undefined ? name === SERVICE_USER : Number(uid) === running)) ?? [];
  const uid = running ?? (entry[2] === undefined ? (process.getuid?.() ?? 0) : Number(entry[2]));
  const name = entry[0] ?? String(uid);
  const groups = linesOf(join(root, "/etc/group")).filter(([, , , members = ""]) => members.split(",").includes(name));
  return { name, uid, gids: new Set([...groups.map(([, , gid]) => Number(gid)), Number(entry[3] ?? -1)]) };
}

function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return [];
  }
}

function mayRead(file: string, user: User): boolean {
  if (!may(file, user, READ)) return false;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (!may(folder, user, ENTER)) return false;
  return true;
}

function may(path: string, user: User, bit: number): boolean {
  if (user.uid === 0) return true;
  const { uid, gid, mode } = statSync(path);
  const shift = uid === user.uid ? 6 : user.gids.has(gid) ? 3 : 0;
  return ((mode >> shift) & bit) === bit;
}
