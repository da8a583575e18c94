import type { Command } from "commander";
import { readServerSettings, type Flags, type ServerSettings } from "../settings.ts";
import { migrate } from "../store/migrate.ts";
import { wantsJson, withDatabase, type Context, type Io } from "./context.ts";
import { examples } from "./enterprise.ts";

/** Runs the server until `io.stop`. main.ts tells how. */
export type Serve = (settings: ServerSettings, io: Io) => Promise<void>;

export function startCommand(program: Command, { io, say }: Context, serve: Serve): void {
  program
    .command("start")
    .description(say.aboutStart)
    .option("--port <n>", say.optPort)
    .option("--host <address>", say.optHost)
    .addHelpText("after", examples(say.examples, ["start", "start --port 9000 --data-dir /var/lib/ringpost"]))
    .action((_: unknown, command: Command) => serve(readServerSettings(io.env, command.optsWithGlobals<Flags>()), io));
}

export function migrateCommand(program: Command, context: Context): void {
  const { io, say } = context;
  program
    .command("migrate")
    .description(say.aboutMigrate)
    .option("--json", say.optJson)
    .action((_: unknown, command: Command) =>
      withDatabase(
        context,
        command,
        async (url) => {
          const ran = await migrate(url);
          if (wantsJson(command)) return io.out(JSON.stringify({ migrations: ran }));
          io.out(ran.length === 0 ? say.nothingToMigrate : [...ran, say.migrated(ran.length)].join("\n"));
        },
        { untouched: true },
      ),
    );
}
