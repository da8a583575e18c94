import { fileURLToPath } from "node:url";
import { Logger, runMigrations } from "graphile-worker";
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
    await client.connect().catch((cause: unknown) => {
      throw unreachable(url, cause);
    });
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
    await migrateJobs(client, url);
    return done.map(({ name }) => name);
  } catch (cause) {
    throw cause instanceof RingpostError ? cause : failed(url, cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether the database holds Ringpost's tables, of whatever version. @throws RingpostError `database_unreachable`. */
export async function hasSchema(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass('calls') IS NOT NULL AS there");
    return rows[0]?.there ?? false;
  } catch (cause) {
    throw unreachable(url, cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The job queue's own schema; its migrations do not expect to be run by several servers at once. */
async function migrateJobs(client: pg.Client, url: string): Promise<void> {
  await client.query("SELECT pg_advisory_lock(hashtext('ringpost jobs'))");
  await runMigrations({ connectionString: url, logger: new Logger(() => ignore) });
  await client.query("SELECT pg_advisory_unlock(hashtext('ringpost jobs'))");
}

const QUIET = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

/** Host and database, without user and password. */
function where(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function unreachable(url: string, cause: unknown): RingpostError {
  return new RingpostError({
    code: "database_unreachable",
    attempted: "connect to the database",
    on: where(url),
    found: messageOf(cause),
    retry: "later",
    next: "Check that PostgreSQL runs there and that DATABASE_URL has the right host, user, password and database name.",
    cause,
  });
}

function failed(url: string, cause: unknown): RingpostError {
  const newer = /Not run migration/.test(messageOf(cause));
  return new RingpostError({
    code: "migration_failed",
    attempted: "bring the database to this version's schema",
    on: where(url),
    found: messageOf(cause),
    retry: "no",
    next: newer
      ? "The database was made by another version of Ringpost: start that version or a newer one."
      : "Nothing was changed. Check that DATABASE_URL names a PostgreSQL 15 or newer where the user may create tables, then start again.",
    cause,
  });
}
