import type { Command } from "commander";
import { listDeliveries, retryDeliveries, type DeliveryRow } from "../store/listDeliveries.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { cell, table } from "./print.ts";

const shownMax = 200;
const idMax = Number.MAX_SAFE_INTEGER;

export function deliveriesCommands(program: Command, context: Context): void {
  const { io, say } = context;
  const group = program
    .command("deliveries")
    .description(say.aboutDeliveries)
    .option("--dead", say.optDead)
    .option("--waiting", say.optWaiting)
    .option("--json", say.optJson)
    .addHelpText(
      "after",
      examples(say.examples, ["deliveries --waiting", "deliveries --dead", "deliveries retry --all-dead"]),
    )
    .action((_: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const rows = await listDeliveries(pool, stateOf(command), shownMax);
        if (wantsJson(command)) return io.out(JSON.stringify(rows));
        io.out(rows.length === 0 ? say.noDeliveries : table(COLUMNS, rows.map(line)));
      }),
    );
  retry(group, context);
}

function retry(group: Command, context: Context): void {
  const { io, say } = context;
  group
    .command("retry")
    .description(say.aboutDeliveriesRetry)
    .argument("[id]", say.argDelivery, parsers(say).number(1, idMax))
    .option("--all-dead", say.optAllDead)
    .option("--json", say.optJson)
    .action((id: number | undefined, { allDead }: { allDead?: boolean }, command: Command) => {
      if ((id === undefined) === (allDead !== true)) throw new Refused(say.retryWhat);
      return withPool(context, command, async (pool) => {
        const count = await retryDeliveries(pool, id ?? null);
        if (id !== undefined && count === 0) throw new Refused(say.noDeadDelivery(id));
        const { json } = command.optsWithGlobals<{ json?: boolean }>();
        io.out(json === true ? JSON.stringify({ retried: count }) : say.retried(count));
      });
    });
}

const COLUMNS = [
  "id",
  "enterprise_id",
  "channel",
  "target",
  "unique_id",
  "event_type",
  "state",
  "attempts",
  "created_at",
  "last_error",
];

function line(row: DeliveryRow): string[] {
  const shown = { ...row, created_at: row.created_at.toISOString() };
  return COLUMNS.map((name) => cell(shown[name as keyof typeof shown]));
}

function stateOf(command: Command): string | undefined {
  const { dead, waiting } = command.opts<{ dead?: boolean; waiting?: boolean }>();
  if (dead === true) return "given_up";
  return waiting === true ? "waiting" : undefined;
}
