import type { Command } from "commander";
import { readCoverageToday } from "../store/readCoverage.ts";
import { listSyncRows, type SyncRow } from "../store/syncRows.ts";
import { readStatus, type SiteStatus } from "../store/readStatus.ts";
import { type ChatProblem, listChatProblems } from "../store/telegram/chatCircuit.ts";
import { wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { duration, oneLine, table } from "./print.ts";

/** Beyond it live and downloaded can no longer be told apart well. */
const clockSkewMsMax = 5_000;

export function statusCommand(program: Command, context: Context): void {
  const { io, say } = context;
  program
    .command("status")
    .description(say.aboutStatus)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["status", "status --json"]))
    .action((_: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const sites = await readStatus(pool);
        const syncs = await listSyncRows(pool);
        const chats = await listChatProblems(pool);
        if (wantsJson(command)) {
          const seen = await readCoverageToday(pool, io.now().getTime());
          const told = sites.map((site) => ({
            ...site,
            coverage_today: seen.get(site.site) ?? null,
            sync: syncOf(site, syncs),
          }));
          return io.out(JSON.stringify({ time: io.now(), sites: told, telegram: chats }));
        }
        io.out(sites.length === 0 ? say.noSites : statusText(sites, syncs, io.now(), say));
        for (const chat of chats) io.out(chatLine(chat, say));
      }),
    );
}

/** A line a site, then every problem in words. */
export function statusText(sites: readonly SiteStatus[], syncs: readonly SyncRow[], now: Date, say: Messages): string {
  const columns = [say.colSite, say.colEnterprise, say.colName, say.colHost, say.colSeen, say.colAmi, say.colBacklog];
  const counts = [say.colLive, say.colDownloaded, say.colRunning];
  const printed = table(
    [...columns, ...counts],
    sites.map((site) => row(site, now, say)),
  );
  return [printed, ...sites.flatMap((site) => problems(site, syncOf(site, syncs), say))].join("\n");
}

function chatLine({ enterprise_id, target, problem }: ChatProblem, say: Messages): string {
  return oneLine(say.telegramProblem(`${enterprise_id} ${target}`, problem));
}

function row(site: SiteStatus, now: Date, say: Messages): string[] {
  const seen = site.last_seen ? say.ago(duration((now.getTime() - site.last_seen.getTime()) / 1000)) : say.never;
  const { live, downloaded } = site.calls_today;
  const identity = [String(site.site), site.enterprise_id, site.name, site.host];
  return [
    ...identity,
    seen,
    site.ami ?? "-",
    backlog(site, say),
    String(live),
    String(downloaded),
    String(site.calls_running),
  ];
}

function backlog({ backlog: { waiting, oldest_seq, missing } }: SiteStatus, say: Messages): string {
  if (waiting > 0) return say.waiting(waiting, oldest_seq);
  return missing > 0 ? say.missing(missing) : say.none;
}

function syncOf(site: SiteStatus, syncs: readonly SyncRow[]): SyncRow | null {
  return syncs.find((row) => row.enterprise_id === site.enterprise_id && row.asterisk_host === site.host) ?? null;
}

function problems(site: SiteStatus, sync: SyncRow | null, say: Messages): string[] {
  const who = `${site.site} ${site.name}`;
  const skewMs = Math.abs(site.clock_skew_ms ?? 0);
  return [
    ...(site.problem ? [say.problem(who, site.problem)] : []),
    ...(sync?.failed_rising ? [say.problem(who, say.moreMissing(sync.failed_events_count))] : []),
    ...(skewMs > clockSkewMsMax ? [say.problem(who, say.clockSkew(duration(skewMs / 1000)))] : []),
  ];
}
