import type { Command } from "commander";
import { findExpired, type ExpiredPartition } from "../store/retention.ts";
import { retain, RETENTION } from "../sync/retention.ts";
import { wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { moment, table } from "./print.ts";

type Outcome = keyof Messages["expired"];
type Told = ExpiredPartition & { outcome: Outcome };

/** `retention`: drops what is too old, or shows it. */
export function retentionCommand(program: Command, context: Context): void {
  const { io, say } = context;
  program
    .command("retention")
    .description(say.aboutRetention)
    .option("--dry-run", say.optDryDrop)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["retention --dry-run", "retention"]))
    .action(({ dryRun = false }: { dryRun?: boolean }, command: Command) =>
      withPool(context, command, async (pool) => {
        const told: Told[] = dryRun
          ? tell(await findExpired(pool, RETENTION, io.now().getTime()), "would")
          : await dropNow();
        if (wantsJson(command)) return io.out(JSON.stringify(told));
        io.out(told.length === 0 ? say.nothingExpired : partitionsText(told, say));

        async function dropNow(): Promise<Told[]> {
          const log = { info: () => undefined };
          const stopped = () => io.stop.aborted;
          const { dropped, busy } = await retain({ pool, log, now: () => io.now().getTime(), stopped });
          return [...tell(dropped, "dropped"), ...tell(busy, "busy")];
        }
      }),
    );
}

function tell(partitions: readonly ExpiredPartition[], outcome: Outcome): Told[] {
  return partitions.map((partition) => ({ ...partition, outcome }));
}

function partitionsText(told: readonly Told[], say: Messages): string {
  return table(
    [say.colPartition, say.colUntil, say.colSize, say.colOutcome],
    told.map(({ name, until, bytes, outcome }) => [
      name,
      moment(until, "UTC"),
      say.megabytes(bytes),
      say.expired[outcome],
    ]),
  );
}
