import { join, resolve } from "node:path";
import type { Release } from "./releases.ts";

const REPOSITORY = resolve(import.meta.dirname, "../../..");

/** Where one PBX of the lab lives. */
export interface LabPaths {
  home: string;
  /** Root folder of its Debian. */
  root: string;
  /** Written when the root folder is complete. */
  built: string;
  /** Ports, pid and secret of the running PBX. */
  state: string;
  etc: string;
  /** Asterisk's log folder: CDR and CEL as CSV and SQLite. */
  logs: string;
  /** What SIPp writes. */
  plays: string;
  buildLog: string;
  asteriskLog: string;
}

/** The lab's cache folder: RINGPOST_LAB_DIR, or `.cache/lab` of the checkout. */
export function labHome(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env["RINGPOST_LAB_DIR"] ?? join(REPOSITORY, ".cache/lab"));
}

export function labPaths(release: Release, home = labHome()): LabPaths {
  const mine = join(home, release);
  const root = join(mine, "root");
  return {
    home: mine,
    root,
    built: join(mine, "built.json"),
    state: join(mine, "running.json"),
    etc: join(root, "etc/asterisk"),
    logs: join(root, "var/log/asterisk"),
    plays: join(mine, "plays"),
    buildLog: join(mine, "build.log"),
    asteriskLog: join(mine, "asterisk.log"),
  };
}

/** The recorded scenarios other tests replay. */
export const SCENARIOS_FOLDER = join(REPOSITORY, "test/scenarios");
