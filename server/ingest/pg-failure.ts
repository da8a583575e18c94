import { codeOf, messageOf } from "../../shared/errors.ts";
import { Overtaken } from "./touched.ts";

/** SQLSTATEs after which the same transaction may succeed: deadlock, serialization, a name another writer just took. */
const AGAIN = new Set(["40P01", "40001", "23505"]);
/** Classes that blame the data: data exception, constraint violation, program limit exceeded, text that is no UTF-8. */
const DATA = /^(22|23|54)/;

/** Tried as often as is sensible and always overtaken: no rival is that persistent, so the data must be at fault. */
export class GaveUp extends Error {
  constructor(attempts: number, cause: unknown) {
    super(`not written after ${attempts} attempts: ${messageOf(cause)}`, { cause });
  }
}

/** A row for which there is no partition: no fault of the row. */
export function lacksPartition(error: unknown): boolean {
  return codeOf(error) === "23514" && messageOf(error).includes("no partition of relation");
}

/** What a failed transaction calls for: `again` as it is, `apart` to find the event at fault, `later` when the database is back. */
export type Cure = "again" | "apart" | "later";

export function cureOf(error: unknown): Cure {
  if (error instanceof GaveUp) return "apart";
  if (lacksPartition(error)) return "again";
  if (error instanceof Overtaken) return "again";
  const code = codeOf(error);
  if (code === undefined) return "later";
  if (AGAIN.has(code)) return "again";
  return DATA.test(code) ? "apart" : "later";
}
