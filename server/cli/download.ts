import type { Command } from "commander";
import type { Pool } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { askDownload, readDownload, type Download } from "../store/downloads.ts";
import type { ScopeMoment } from "../store/findRebuildable.ts";
import { listGaps, type ListedGap } from "../store/listGaps.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { gapsText, refuseBackwards } from "./gaps.ts";
import type { Messages } from "./messages.ts";
import { duration, moment } from "./print.ts";

const pollMs = 300;
/** A database that was restarted is back by then. */
const databaseAwayMsMax = 60_000;
/** An agent that was not heard for so long is told of while it is waited for. */
const unheardSecondsMin = 30;

interface Options {
  site: number;
  from: ScopeMoment;
  to: ScopeMoment;
  wait?: boolean;
}

/** `download`: has an agent send a window of time again. */
export function downloadCommand(program: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  program
    .command("download")
    .description(say.aboutDownload)
    .requiredOption("--site <n>", say.optSite, parse.number(1, 999_999_999))
    .requiredOption("--from <time>", say.optWindowFrom, parse.moment)
    .requiredOption("--to <time>", say.optWindowTo, parse.moment)
    .option("--wait", say.optWait)
    .option("--json", say.optJson)
    .addHelpText(
      "after",
      examples(say.examples, ["download --site 1 --from 2026-11-24T09:00 --to 2026-11-24T11:00 --wait"]),
    )
    .action((options: Options, command: Command) =>
      withPool(context, command, (pool) => run(context, command, pool, options)),
    );
}

async function run(context: Context, command: Command, pool: Pool, options: Options): Promise<void> {
  const { io, say } = context;
  refuseBackwards(options, say);
  const id = await askDownload(pool, { ...options, askedBy: "operator" }).catch(badWindow(say));
  if (id === undefined) throw new Refused(say.noSite(options.site));
  const json = wantsJson(command);
  const download = options.wait ? await untilDone(context, pool, id, json) : await readDownload(pool, id);
  if (download === undefined) throw new Refused(say.noSite(options.site));
  const gaps = download.done_at ? await listGaps(pool, { ...options, unrepairedOnly: true }, io.now().getTime()) : [];
  if (json) io.out(JSON.stringify({ ...download, unrepaired_gaps: gaps }));
  else io.out(outcome(download, gaps, io.now(), say));
}

/** Times on two clocks are compared only by the database. */
function badWindow(say: Messages): (error: unknown) => never {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "23514") throw new Refused(say.downloadBadWindow);
    throw error;
  };
}

async function untilDone({ io, say }: Context, pool: Pool, id: number, quiet: boolean): Promise<Download | undefined> {
  let shown = "";
  let answeredAt = io.now().getTime();
  for (;;) {
    const text = await readDownload(pool, id).then(
      (download) => {
        answeredAt = io.now().getTime();
        return download === undefined || download.done_at ? { download } : progress(download, io.now(), say);
      },
      (error: unknown) => {
        if (io.now().getTime() - answeredAt > databaseAwayMsMax) throw error;
        return say.downloadDatabaseAway;
      },
    );
    if (typeof text === "object") return text.download;
    if (io.stop.aborted) throw new Refused(say.downloadGoesOn(id));
    if (!quiet && text !== shown) io.err(text);
    shown = text;
    await sleep(pollMs, undefined, { signal: io.stop }).catch(() => undefined);
  }
}

/** Since when the agent is silent, in words; undefined when it is not. */
function silence({ last_seen }: Download, now: Date, say: Messages): string | undefined {
  if (!last_seen) return say.never;
  const silentSeconds = (now.getTime() - last_seen.getTime()) / 1000;
  return silentSeconds > unheardSecondsMin ? say.ago(duration(silentSeconds)) : undefined;
}

function progress(download: Download, now: Date, say: Messages): string {
  const { total, remaining } = download;
  const silent = silence(download, now, say);
  if (silent !== undefined) return say.downloadUnheard(silent);
  return total === null || remaining === null ? say.downloadNotTaken : say.downloadProgress(remaining, total);
}

function outcome(download: Download, gaps: readonly ListedGap[], now: Date, say: Messages): string {
  const { id, site, total, new_events, from_time, retained_from, timezone } = download;
  if (!download.done_at) {
    const silent = silence(download, now, say);
    return silent === undefined ? say.downloadAsked(id, site) : say.downloadAskedSilent(id, site, silent);
  }
  return [
    say.downloadDone(total ?? 0, new_events),
    ...(retained_from && retained_from > from_time ? [say.downloadRetained(moment(retained_from, timezone))] : []),
    ...(retained_from === null && total === 0 ? [say.downloadNothing] : []),
    ...(gaps.length === 0 ? [] : [say.downloadGaps(gaps.length), gapsText(gaps, now, say)]),
  ].join("\n");
}
