import { codeOf } from "../../shared/errors.ts";

/** What a failed statement means for the outbox. */
export type StorageFailure = "full" | "corrupt" | "other";

export function classify(error: unknown): StorageFailure {
  const code = codeOf(error) ?? "";
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT" || code.startsWith("SQLITE_IOERR_WRITE"))
    return "full";
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return "corrupt";
  return "other";
}

/** What to tell the operator; the agent itself goes on. */
export function describeStorage(failure: StorageFailure, path: string, message: string): string {
  if (failure === "full") {
    return `the disk of ${path} is full (${message}): new events are kept in memory. Make room; the agent goes on by itself`;
  }
  return `the outbox ${path} cannot be written (${message}): new events are kept in memory and writing is tried again every second`;
}
