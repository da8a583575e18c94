import type { Command } from "commander";
import { rebuild } from "../rebuild/rebuild.ts";
import type { RebuildSummary, SkippedCall } from "../rebuild/types.ts";
import type { ScopeMoment } from "../store/findRebuildable.ts";
import { readSites } from "../store/readSites.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { changeJson, changeText } from "./rebuild-change.ts";
import { RebuildProgress } from "./rebuild-progress.ts";

interface Options {
  site?: number;
  from?: ScopeMoment;
  to?: ScopeMoment;
  dryRun?: boolean;
}

/** `rebuild`: what today's settings and today's assembly make of calls that were told before. */
export function rebuildCommand(program: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  program
    .command("rebuild")
    .description(say.aboutRebuild)
    .option("--site <n>", say.optSite, parse.number(1, 999_999_999))
    .option("--from <time>", say.optFrom, parse.moment)
    .option("--to <time>", say.optTo, parse.moment)
    .option("--dry-run", say.optDryRun)
    .option("--json", say.optJsonLines)
    .addHelpText("after", examples(say.examples, EXAMPLES))
    .action((options: Options, command: Command) => run(context, command, options));
}

const EXAMPLES = [
  "rebuild --dry-run",
  "rebuild --site 1 --from 2026-11-01",
  "rebuild --from 2026-11-24T09:00 --to 2026-11-24T10:00+03:00",
];

function run(context: Context, command: Command, options: Options): Promise<void> {
  const { io, say } = context;
  const { site, from, to, dryRun = false } = options;
  if (from && to && from.local === to.local && Date.parse(from.text) >= Date.parse(to.text))
    throw new Refused(say.fromAfterTo);
  const json = wantsJson(command);
  const progress = new RebuildProgress(say, json, {
    terminal: process.stderr.isTTY === true,
    write: (text) => void process.stderr.write(text),
    clock: () => performance.now(),
  });
  return withPool(context, command, async (pool) => {
    if (site !== undefined && (await readSites(pool, [site])).length === 0) throw new Refused(say.rebuildNoSite(site));
    const print = (text: string, value: object) => {
      progress.clear();
      io.out(json ? JSON.stringify(value) : text);
    };
    const summary = await rebuild(
      { pool, scope: { site, from, to }, dryRun, now: () => Date.now(), random: Math.random, stop: io.stop },
      {
        changed: (change) => print(changeText(change, say), changeJson(change)),
        skipped: (call) => print(skippedText(call, say), skippedJson(call)),
        progress: (done, total) => progress.show(done, total),
      },
    ).finally(() => progress.clear());
    print(summaryText(summary, say), summaryJson(summary));
    if (summary.stopped) throw new Refused(say.rebuildStopped);
  });
}

function skippedText({ id, uniqueId, siteId, reason, detail }: SkippedCall, say: Messages): string {
  return say.rebuildSkipped(uniqueId || String(id), siteId, say.skipReasons[reason], detail);
}

function skippedJson({ id, uniqueId, siteId, reason, detail }: SkippedCall): object {
  return { type: "skipped", id, unique_id: uniqueId, site: siteId, reason, detail };
}

function summaryText({ calls, changed, merged, split, skipped, dryRun }: RebuildSummary, say: Messages): string {
  const told = dryRun ? say.rebuildWould(calls, changed) : say.rebuilt(calls, changed);
  const moved = merged + split > 0 ? `; ${say.rebuildMoved(merged, split)}` : "";
  return `${told}${moved}${skipped > 0 ? `; ${say.rebuildLeft(skipped)}` : ""}`;
}

function summaryJson({ calls, changed, merged, split, skipped, dryRun, stopped }: RebuildSummary): object {
  return { type: "done", calls, changed, merged, split, skipped, dry_run: dryRun, stopped };
}
