import type { Command } from "commander";
import type { ScopeMoment } from "../store/findRebuildable.ts";
import { listGaps, type ListedGap } from "../store/listGaps.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { duration, moment, table } from "./print.ts";

const detailCharsMax = 90;

export interface SpanOptions {
  site?: number;
  from?: ScopeMoment;
  to?: ScopeMoment;
}

/** `gaps`: when sites were blind. */
export function gapsCommand(program: Command, context: Context): void {
  const { io, say } = context;
  withSpan(program.command("gaps").description(say.aboutGaps), say)
    .option("--unrepaired", say.optUnrepaired)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["gaps --site 1 --from 2026-11-24", "gaps --unrepaired --json"]))
    .action(({ unrepaired = false, ...span }: SpanOptions & { unrepaired?: boolean }, command: Command) =>
      withPool(context, command, async (pool) => {
        refuseBackwards(span, say);
        const gaps = await listGaps(pool, { ...span, unrepairedOnly: unrepaired }, io.now().getTime());
        if (wantsJson(command)) return io.out(JSON.stringify(gaps));
        io.out(gaps.length === 0 ? say.noGaps : gapsText(gaps, io.now(), say));
      }),
    );
}

/** Adds --site, --from and --to. */
export function withSpan(command: Command, say: Messages): Command {
  const parse = parsers(say);
  return command
    .option("--site <n>", say.optSite, parse.number(1, 999_999_999))
    .option("--from <time>", say.optFromSpan, parse.moment)
    .option("--to <time>", say.optToSpan, parse.moment);
}

/** @throws Refused when both ends are on one clock and the wrong way round. */
export function refuseBackwards({ from, to }: SpanOptions, say: Messages): void {
  if (from && to && from.local === to.local && Date.parse(from.text) >= Date.parse(to.text))
    throw new Refused(say.fromAfterTo);
}

export function gapsText(gaps: readonly ListedGap[], now: Date, say: Messages): string {
  const columns = [say.colSite, say.colName, say.colFrom, say.colTo, say.colLasted, say.colCause, say.colLost];
  return table(
    [...columns, say.colRepaired, say.colDetail],
    gaps.map((gap) => row(gap, now, say)),
  );
}

function row(gap: ListedGap, now: Date, say: Messages): string[] {
  const { from_time, to_time, timezone, repaired_by, repaired_at } = gap;
  const lastedSeconds = ((to_time ?? now).getTime() - from_time.getTime()) / 1000;
  return [
    String(gap.site),
    gap.site_name,
    moment(from_time, timezone),
    to_time ? moment(to_time, timezone) : say.stillBlind,
    duration(lastedSeconds),
    say.gapCause(gap.cause),
    gap.count === null ? say.notKnown : String(gap.count),
    repaired_at ? `${moment(repaired_at, timezone)} ${say.repairedBy(repaired_by ?? "")}` : openStill(gap, say),
    shortened(gap.detail ?? ""),
  ];
}

/** The whole of it is in --json. */
function shortened(detail: string): string {
  return detail.length <= detailCharsMax ? detail : `${detail.slice(0, detailCharsMax - 3)}...`;
}

function openStill({ asked_at, timezone }: ListedGap, say: Messages): string {
  return asked_at ? say.askedInVain(moment(asked_at, timezone)) : say.notRepaired;
}
