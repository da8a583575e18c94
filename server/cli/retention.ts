import type { Command } from "commander";
import { RETENTION_DAYS_MAX, readRetention, setRetention, type RetentionPolicy } from "../store/retentionPolicy.ts";
import { retain, wouldGo, type OldRows, type Retained } from "../sync/retention.ts";
import type { ExpiredPartition } from "../store/retention.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { moment, table } from "./print.ts";

type Outcome = keyof Messages["expired"];

/** A partition, or the old rows of a table (then `rows` says how many). */
interface Told {
  parent: string;
  name: string;
  until: Date;
  bytes: number | null;
  rows: number | null;
  outcome: Outcome;
}

/** `retention`: drops what is too old, or shows it. */
export function retentionCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const group = program
    .command("retention")
    .description(say.aboutRetention)
    .option("--dry-run", say.optDryDrop)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["retention --dry-run", "retention", "retention set --log 60"]))
    .action(({ dryRun = false }: { dryRun?: boolean }, command: Command) =>
      withPool(context, command, async (pool) => {
        const now = () => io.now().getTime();
        const log = { info: () => undefined };
        const told = dryRun
          ? tell({ ...(await wouldGo(pool, now())), busy: [] }, "would")
          : tell(await retain({ pool, log, now, stopped: () => io.stop.aborted }), "dropped");
        if (wantsJson(command)) return io.out(JSON.stringify(told));
        io.out(told.length === 0 ? say.nothingExpired : toldText(told, say));
      }),
    );
  policyCommands(group, context);
}

/** `retention show|set`: how long things are kept. */
function policyCommands(group: Command, context: Context): void {
  const { io, say } = context;
  const days = parsers(say).number(1, RETENTION_DAYS_MAX);
  group
    .command("show")
    .description(say.aboutRetentionShow)
    .option("--json", say.optJson)
    .action((_: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const policy = await readRetention(pool);
        io.out(wantsJson(group) || wantsJson(command) ? JSON.stringify(policy) : policyText(policy, say));
      }),
    );
  group
    .command("set")
    .description(say.aboutRetentionSet)
    .option("--log <days>", say.keptLog, days)
    .option("--steps <days>", say.keptSteps, days)
    .option("--records <days>", say.keptRecords, days)
    .option("--json", say.optJson)
    .action(({ log, steps, records }: Partial<RetentionPolicy>, command: Command) =>
      withPool(context, command, async (pool) => {
        const change = { ...(log && { log }), ...(steps && { steps }), ...(records && { records }) };
        if (Object.keys(change).length === 0) throw new Refused(say.retentionSetNothing);
        await setRetention(pool, change);
        const policy = await readRetention(pool);
        io.out(wantsJson(group) || wantsJson(command) ? JSON.stringify(policy) : policyText(policy, say));
      }),
    );
}

function tell({ dropped, busy, deleted }: Retained, outcome: Outcome): Told[] {
  const partition = ({ parent, name, until, bytes }: ExpiredPartition) => ({ parent, name, until, bytes, rows: null });
  const rows = ({ table: name, until, rows }: OldRows) => ({ parent: name, name, until, bytes: null, rows });
  return [
    ...dropped.map((one) => ({ ...partition(one), outcome })),
    ...busy.map((one) => ({ ...partition(one), outcome: "busy" as const })),
    ...deleted.map((one) => ({ ...rows(one), outcome })),
  ];
}

function toldText(told: readonly Told[], say: Messages): string {
  return table(
    [say.colPartition, say.colUntil, say.colSize, say.colOutcome],
    told.map(({ name, until, bytes, rows, outcome }) => [
      name,
      moment(until, "UTC"),
      bytes === null ? say.rowCount(rows ?? 0) : say.megabytes(bytes),
      say.expired[outcome],
    ]),
  );
}

function policyText({ log, steps, records }: RetentionPolicy, say: Messages): string {
  return table(
    [say.colKept, say.colDays],
    [
      [say.keptLog, String(log)],
      [say.keptSteps, String(steps)],
      [say.keptRecords, String(records)],
    ],
  );
}
