import type { Command } from "commander";
import type { Pool } from "pg";
import { readDatabaseSettings } from "../settings.ts";
import { openCommandDatabase, type CommandUse } from "../store/database.ts";
import { openPool } from "../store/pool.ts";
import type { Messages } from "./messages.ts";

/** What a command has to do with the world outside. */
export interface Io {
  out(line: string): void;
  err(line: string): void;
  env: Readonly<Record<string, string | undefined>>;
  now(): Date;
  /** Whoever reads it promises to end soon after it is aborted. */
  readonly stop: AbortSignal;
}

export interface Context {
  io: Io;
  say: Messages;
}

/** The command was understood but cannot be done; the message is for a person. Exit status 1. */
export class Refused extends Error {
  override name = "Refused";
}

const connectionsMax = 2;

/** Opens the database this command is meant for, runs `work`, and closes it again, whatever happens. */
export async function withDatabase<T>(
  { io }: Context,
  command: Command,
  work: (url: string) => Promise<T>,
  use: CommandUse,
): Promise<T> {
  const { dataDir } = command.optsWithGlobals<{ dataDir?: string }>();
  const database = await openCommandDatabase(readDatabaseSettings(io.env, { dataDir }), use);
  try {
    return await work(database.url);
  } finally {
    await database.close();
  }
}

/** The same with a pool. */
export function withPool<T>(
  context: Context,
  command: Command,
  work: (pool: Pool) => Promise<T>,
  use: CommandUse = {},
): Promise<T> {
  const name = `ringpost ${command.name()}`;
  return withDatabase(
    context,
    command,
    async (url) => {
      const pool = openPool({ url, name, connectionsMax });
      try {
        return await work(pool);
      } finally {
        await pool.end();
      }
    },
    use,
  );
}

/** Whether `--json` was given. */
export function wantsJson(command: Command): boolean {
  return command.opts<{ json?: boolean }>().json === true;
}
