import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { messageOf, RingpostError } from "../../shared/errors.ts";

const MIGRATIONS = fileURLToPath(new URL("../../migrations", import.meta.url));

/**
 * Brings a database to this version's schema and returns the names of the migrations it ran; [] when there was nothing to do.
 * All in one transaction, under an advisory lock that others wait for, so several servers may start at once.
 * @throws RingpostError `migration_failed`; the database is then as it was before.
 */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: "ringpost migrate" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SET client_min_messages = warning");
    const done = await runner({
      dbClient: client,
      dir: MIGRATIONS,
      direction: "up",
      migrationsTable: "pgmigrations",
      checkOrder: true,
      singleTransaction: true,
      advisoryLockMode: "wait",
      logger: QUIET,
    });
    return done.map(({ name }) => name);
  } catch (cause) {
    throw failed(url, cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const QUIET = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

function failed(url: string, cause: unknown): RingpostError {
  const { host, pathname } = new URL(url);
  const newer = /Not run migration/.test(messageOf(cause));
  return new RingpostError({
    code: "migration_failed",
    attempted: "bring the database to this version's schema",
    on: `${host}${pathname}`,
    found: messageOf(cause),
    retry: "no",
    next: newer
      ? "The database was made by another version of Ringpost: start that version or a newer one."
      : "Nothing was changed. Check that DATABASE_URL names a PostgreSQL 15 or newer where the user may create tables, then start again.",
    cause,
  });
}
