import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * As whom PostgreSQL runs; it refuses to run as root.
 * `self`: we are an ordinary user. `namespace`: we are root, the process is root's outside and 65534 inside its own user namespace.
 * `user`: we are root and become an existing unprivileged user.
 */
export type Identity = { as: "self" } | { as: "namespace" } | { as: "user"; uid: number; gid: number; name: string };

const NAMESPACE = ["unshare", "--user", "--map-user=65534", "--map-group=65534"] as const;
/** PostgreSQL's own user when a package made one, else the one every Linux has. */
const UNPRIVILEGED_USERS = ["postgres", "nobody"];

/**
 * Decides once per start. `dataDir` is the PostgreSQL folder when it exists already: its owner decides, so that a folder
 * made by an ordinary user stays that user's when root starts the server. Throws in plain words when nobody can be found.
 */
export async function chooseIdentity(dataDir: string): Promise<Identity> {
  const uid = process.getuid?.() ?? 0;
  const owner = existsSync(dataDir) ? statSync(dataDir) : undefined;
  if (uid !== 0) {
    if (owner && owner.uid !== uid) throw new Error(foreignFolder(dataDir, owner.uid));
    return { as: "self" };
  }
  if (owner && owner.uid !== 0) return { as: "user", uid: owner.uid, gid: owner.gid, name: `user ${owner.uid}` };
  if (await namespacesWork()) return { as: "namespace" };
  if (owner) throw new Error(noNamespaceAnyMore(dataDir));
  return unprivilegedUser();
}

/** The command line that runs `argv` under this identity. PostgreSQL is told to shut down when we die, where setpriv can do that. */
export function commandFor(identity: Identity, argv: string[], diesWithUs: boolean): string[] {
  const tied =
    diesWithUs && existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "INT", ...argv] : argv;
  return identity.as === "namespace" ? [...NAMESPACE, ...tied] : tied;
}

export function spawnIds(identity: Identity): { uid?: number; gid?: number } {
  return identity.as === "user" ? { uid: identity.uid, gid: identity.gid } : {};
}

async function namespacesWork(): Promise<boolean> {
  const [command, ...args] = NAMESPACE;
  return run(command, [...args, "true"]).then(
    () => true,
    () => false,
  );
}

function unprivilegedUser(): Identity {
  const rows = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of UNPRIVILEGED_USERS) {
    const [, , uid, gid] = rows.find((row) => row.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid && gid) return { as: "user", uid: Number(uid), gid: Number(gid), name };
  }
  throw new Error(
    "PostgreSQL refuses to run as root, this machine allows no user namespaces (unshare) and has neither a user postgres nor nobody. " +
      "Start Ringpost as an ordinary user, or set DATABASE_URL to a PostgreSQL 15 or newer.",
  );
}

function foreignFolder(dataDir: string, uid: number): string {
  return `The database folder ${dataDir} belongs to user id ${uid}. Start Ringpost as that user or as root, or choose another folder with --data-dir.`;
}

function noNamespaceAnyMore(dataDir: string): string {
  return (
    `The database folder ${dataDir} belongs to root, PostgreSQL refuses to run as root, and this machine no longer allows user namespaces (unshare). ` +
    "Allow them again, or give the folder to an ordinary user (chown -R) and start Ringpost as that user."
  );
}
