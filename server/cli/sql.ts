import type { Command } from "commander";
import pg from "pg";
import { queryReadOnly, type ReadOnlyAnswer } from "../store/queryReadOnly.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { cell, table } from "./print.ts";

const rowsMax = 10_000;
const timeoutSeconds = 30;
const timeoutSecondsMax = 3_600;
const READ_ONLY_TRANSACTION = "25006";
const INSUFFICIENT_PRIVILEGE = "42501";

export function sqlCommand(program: Command, context: Context): void {
  const { io, say } = context;
  program
    .command("sql")
    .description(say.aboutSql)
    .argument("<statement>", say.argSql)
    .option("--timeout <seconds>", say.optTimeout, parsers(say).number(1, timeoutSecondsMax), timeoutSeconds)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, EXAMPLES))
    .action((statement: string, { timeout }: { timeout: number }, command: Command) =>
      withPool(context, command, async (pool) => {
        const bounds = { timeoutMs: timeout * 1000, rowsMax };
        const answer = await queryReadOnly(pool, statement, bounds).catch((error: unknown) => refuse(context, error));
        io.out(wantsJson(command) ? JSON.stringify(asObjects(answer)) : asTable(answer, say.rows(answer.rows.length)));
        if (answer.cut) io.err(say.cut(rowsMax));
      }),
    );
}

const EXAMPLES = [
  'sql "SELECT data_source, count(*) FROM calls GROUP BY data_source"',
  'sql "SELECT extension, avg(ring_duration) FROM call_participants GROUP BY extension" --json',
];

function refuse({ say }: Context, error: unknown): never {
  if (!(error instanceof pg.DatabaseError)) throw error;
  const hint =
    error.code === READ_ONLY_TRANSACTION || error.code === INSUFFICIENT_PRIVILEGE ? `\n${say.sqlReadOnly}` : "";
  throw new Refused(`${say.sqlRefused(error.message)}${hint}`);
}

function asObjects({ columns, rows }: ReadOnlyAnswer): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

function asTable({ columns, rows }: ReadOnlyAnswer, count: string): string {
  return `${table(
    columns,
    rows.map((row) => row.map(cell)),
  )}\n${count}`;
}
