import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAsset } from "node:sea";
import { messageOf, RingpostError } from "../../shared/errors.ts";

export type AddonName = "better_sqlite3" | "notify";

/**
 * Loads an addon that the binary carries. The system loads code from files only, so it is written to a folder
 * made for this one moment (0700, a name nobody can guess), read back and compared with the hash the build noted, loaded,
 * and removed: nothing that somebody else could have put there is ever loaded.
 * @throws RingpostError when no folder of `parents` can be used.
 */
export function loadAddon(name: AddonName, parents: readonly string[] = addonParents()): unknown {
  const reasons: string[] = [];
  for (const parent of parents) {
    try {
      return loadFrom(parent, name);
    } catch (error) {
      reasons.push(`${parent}: ${messageOf(error)}`);
    }
  }
  throw new RingpostError({
    code: "addon_not_loaded",
    attempted: `load the addon ${name}`,
    on: "a folder of its own",
    found: reasons.join("; "),
    retry: "no",
    next: "Set TMPDIR to a folder that is not mounted noexec and has 4 MB free",
  });
}

/** A service has its own state folder; /tmp may be mounted noexec, then /var/tmp rarely is. */
function addonParents(): string[] {
  const state = process.env["STATE_DIRECTORY"]?.split(":")[0];
  return [...new Set([...(state === undefined ? [] : [state]), tmpdir(), "/var/tmp", "/dev/shm"])];
}

function loadFrom(parent: string, name: AddonName): unknown {
  const folder = mkdtempSync(join(parent, "ringpost-addon-"));
  try {
    const file = join(folder, `${name}.node`);
    writeFileSync(file, Buffer.from(getAsset(`${name}.node`)), { mode: 0o500, flag: "wx" });
    const found = createHash("sha256").update(readFileSync(file)).digest("hex");
    const expected = getAsset(`${name}.sha256`, "utf8");
    if (found !== expected) throw new Error(`the addon's hash is ${found} instead of ${expected}`);
    const module = { exports: {} };
    process.dlopen(module, file);
    return module.exports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
