import { dirname } from "node:path";
import type { System } from "./system.ts";

/** What an installation added, so that taking it away takes that and nothing else. Paths as the machine has them. */
export interface Added {
  files: string[];
  folders: string[];
  /** `newline`: the file had none at its end, and got one. */
  lines: { file: string; line: string; newline: boolean }[];
  user: boolean;
}

export const RECORD = "/etc/ringpost/installed.json";

export function readAdded(system: System): Added {
  const text = system.read(system.path(RECORD));
  const none: Added = { files: [], folders: [], lines: [], user: false };
  return text === undefined ? none : { ...none, ...(JSON.parse(text) as Partial<Added>) };
}

/** Written before each change: an installation that was cut off at any point can be taken away too. Its own folder goes with it. */
export function writeAdded(system: System, added: Added): void {
  addTo(added.folders, ...system.missingFolders(dirname(system.path(RECORD))));
  system.write(system.path(RECORD), `${JSON.stringify(added, null, 2)}\n`, 0o600);
}

export function addTo<T>(list: T[], ...items: T[]): void {
  for (const item of items) if (!list.some((known) => JSON.stringify(known) === JSON.stringify(item))) list.push(item);
}
