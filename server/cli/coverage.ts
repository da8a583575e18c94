import type { Command } from "commander";
import { readCoverage, type DayCoverage } from "../store/readCoverage.ts";
import { wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { refuseBackwards, withSpan, type SpanOptions } from "./gaps.ts";
import type { Messages } from "./messages.ts";
import { duration, percent, table } from "./print.ts";

/** `coverage`: the share of each day that was seen, the last seven unless told otherwise. */
export function coverageCommand(program: Command, context: Context): void {
  const { io, say } = context;
  withSpan(program.command("coverage").description(say.aboutCoverage), say)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["coverage", "coverage --site 1 --from 2026-11-01 --json"]))
    .action((span: SpanOptions, command: Command) =>
      withPool(context, command, async (pool) => {
        refuseBackwards(span, say);
        const days = await readCoverage(pool, span, io.now().getTime());
        if (wantsJson(command)) return io.out(JSON.stringify(days));
        io.out(days.length === 0 ? say.noCoverage : coverageText(days, say));
      }),
    );
}

function coverageText(days: readonly DayCoverage[], say: Messages): string {
  return table(
    [say.colSite, say.colName, say.colDay, say.colSeenShare, say.colBlind],
    days.map((day) => [
      String(day.site),
      day.site_name,
      day.day,
      percent(day.share),
      duration(day.seconds - day.seen_seconds),
    ]),
  );
}
