import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf, messageOf } from "../../shared/errors.ts";
import { sleep } from "../sleep.ts";
import { classify } from "./failure.ts";
import type { Note } from "./ports.ts";

const RETRY_MS = 1_000;
/** An agent that is being replaced needs this long to let go of the file. */
const BUSY_TRIES_MAX = 10;

/** On a disk without a free inode SQLite only says that it cannot open its write-ahead log. */
function hasInodes(path: string): boolean {
  try {
    const { files, ffree } = statfsSync(dirname(path));
    return files === 0 || ffree > 0;
  } catch {
    return true;
  }
}

/**
 * Opens the outbox, again and again while the disk is full: events wait in memory meanwhile.
 * @throws when another agent keeps the file, or it cannot be opened for a reason that waiting does not mend.
 */
export async function openPatiently<T>(open: () => T, path: string, note: Note): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return open();
    } catch (error) {
      const busy = codeOf(error)?.startsWith("SQLITE_BUSY") === true;
      const full = classify(error) === "full" || !hasInodes(path);
      if (!(full || (busy && tries < BUSY_TRIES_MAX))) throw error;
      if (tries === 1) note("error", "the outbox cannot be opened yet", { path, error: messageOf(error) });
      await sleep(RETRY_MS);
    }
  }
}
