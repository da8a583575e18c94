import type { Command } from "commander";
import { listCalls, type ListedCall, type ListedParticipant } from "../store/listCalls.ts";
import { parsers } from "./arguments.ts";
import { wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { followCalls } from "./follow.ts";
import type { Messages } from "./messages.ts";
import { duration, moment, oneLine, table } from "./print.ts";

const lastMax = 10_000;

interface Options {
  site?: number;
  last: number;
  follow?: boolean;
}

export function callsCommand(program: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  program
    .command("calls")
    .description(say.aboutCalls)
    .option("--site <n>", say.optSite, parse.number(1, 999_999_999))
    .option("--last <n>", say.optLast, parse.number(0, lastMax), 20)
    .option("--follow", say.optFollow)
    .option("--json", say.optJson)
    .addHelpText(
      "after",
      examples(say.examples, ["calls --last 50", "calls --site 1 --follow", "calls --follow --json"]),
    )
    .action((options: Options, command: Command) => (options.follow ? follow : list)(context, command, options));
}

function list(context: Context, command: Command, options: Options): Promise<void> {
  const { io, say } = context;
  return withPool(context, command, async (pool) => {
    const calls = await listCalls(pool, options);
    if (wantsJson(command)) return io.out(JSON.stringify(calls));
    io.out(
      calls.length === 0
        ? say.noCalls
        : table(
            headings(say),
            calls.map((call) => row(call, say)),
          ),
    );
  });
}

function follow(context: Context, command: Command, options: Options): Promise<void> {
  const { io, say } = context;
  const json = wantsJson(command);
  const print = (call: ListedCall): void => io.out(json ? JSON.stringify(call) : line(row(call, say)));
  return withPool(
    context,
    command,
    async (pool) => {
      if (!json) io.out(line(headings(say)));
      await followCalls(pool, options, {
        changed: print,
        gone: (id) => json && io.out(JSON.stringify({ id, gone: true })),
        lost: (message) => io.err(say.databaseLost(message)),
        stop: io.stop,
      });
    },
    { live: true },
  );
}

function headings(say: Messages): string[] {
  const parties = [say.colType, say.colPhone, say.colTrunk, say.colExtension];
  return [say.colStart, say.colSite, ...parties, say.colStatus, say.colDuration, say.colSource, say.colRang];
}

/** Widths of the columns while following: rows come one at a time, so they cannot be measured first. */
const WIDTHS = [19, 16, 8, 15, 12, 10, 10, 8, 10];

function line(cells: readonly string[]): string {
  return cells
    .map((text, i) => oneLine(text).padEnd(WIDTHS[i] ?? 0))
    .join("  ")
    .trimEnd();
}

function row(call: ListedCall, say: Messages): string[] {
  return [
    moment(call.start_time, call.timezone),
    call.site_name ?? "-",
    call.call_type,
    call.phone_number ?? "-",
    call.trunk ?? "-",
    call.main_extension ?? "-",
    call.call_status ?? (call.state === "ended" ? say.incomplete : say.running),
    call.duration === null ? "-" : duration(call.duration),
    call.data_source,
    call.participants.map(rang).join(" "),
  ];
}

function rang({ extension, status, ring_duration }: ListedParticipant): string {
  return `${extension}:${status}${ring_duration === null ? "" : `(${ring_duration}s)`}`;
}
