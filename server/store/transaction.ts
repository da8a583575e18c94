import type { Pool, PoolClient } from "pg";
import { codeOf } from "../../shared/errors.ts";

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. Work that begins it itself sends
 * BEGIN together with its first reads, which saves a round trip, and writes only once that is done.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  begin: "BEGIN" | "BEGIN READ ONLY" | "begun by the work" = "BEGIN",
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The pool listens only while a connection is idle: one that dies in use would end the process.
  const onError = (error: Error): void => void (broken = error);
  client.on("error", onError);
  try {
    if (begin !== "begun by the work") await client.query(begin);
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/** What statements sent behind the one that failed are told. */
const IN_FAILED_TRANSACTION = "25P02";

/**
 * Statements of one transaction that do not wait for each other: sent at once, in this order. Resolves or throws only when
 * all are done, so that nothing follows a rollback; throws what failed first.
 */
export async function together<T extends readonly unknown[] | []>(work: {
  readonly [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  const results = await Promise.allSettled(work);
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (failures.length > 0) throw failures.find((failure) => codeOf(failure) !== IN_FAILED_TRANSACTION) ?? failures[0];
  return (await Promise.all(work)) as unknown as T;
}
