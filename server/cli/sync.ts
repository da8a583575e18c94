import type { Command } from "commander";
import { ensureSyncRows } from "../store/syncChecks.ts";
import { listSyncRows, setSyncRow, type SyncRow } from "../store/syncRows.ts";
import { runSyncChecks } from "../sync/check.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { moment, table } from "./print.ts";

const intervalMinutesMax = 44_640;

interface ScopeOptions {
  enterprise?: string;
  host?: string;
}

/** `sync list|run|set`: download_sync. */
export function syncCommands(program: Command, context: Context): void {
  const { say } = context;
  const group = program.command("sync").description(say.aboutSync);
  group.addHelpText("after", examples(say.examples, ["sync list", "sync set 0367 10.88.10.11 --interval 15"]));
  looking(group, context, { name: "list", about: say.aboutSyncList, check: false });
  looking(group, context, { name: "run", about: say.aboutSyncRun, check: true });
  set(group, context);
}

function looking(group: Command, context: Context, what: { name: string; about: string; check: boolean }): void {
  const { io, say } = context;
  const parse = parsers(say);
  group
    .command(what.name)
    .description(what.about)
    .option("--enterprise <id>", say.optEnterprise, parse.enterpriseId)
    .option("--host <address>", say.optOnlyHost, parse.host)
    .option("--json", say.optJson)
    .action(({ enterprise, host }: ScopeOptions, command: Command) =>
      withPool(context, command, async (pool) => {
        const scope = { enterpriseId: enterprise, host };
        const log = { warn: () => undefined };
        if (what.check)
          await runSyncChecks({ pool, log, now: () => Date.now(), stopped: () => io.stop.aborted }, scope);
        else await ensureSyncRows(pool);
        const rows = await listSyncRows(pool, scope);
        if (wantsJson(command)) return io.out(JSON.stringify(rows));
        io.out(rows.length === 0 ? say.noSync : syncTable(rows, say));
      }),
    );
}

interface SetOptions {
  interval?: number;
  enabled?: string;
}

function set(group: Command, context: Context): void {
  const { io, say } = context;
  const parse = parsers(say);
  group
    .command("set")
    .description(say.aboutSyncSet)
    .argument("<enterprise>", say.argEnterprise, parse.enterpriseId)
    .argument("<host>", say.argHost, parse.host)
    .option("--interval <minutes>", say.optInterval, parse.number(1, intervalMinutesMax))
    .option("--enabled <yes|no>", say.optEnabled, parse.yesNo)
    .option("--json", say.optJson)
    .action((enterprise: string, host: string, { interval, enabled }: SetOptions, command: Command) =>
      withPool(context, command, async (pool) => {
        if (interval === undefined && enabled === undefined) throw new Refused(say.syncSetNothing);
        await ensureSyncRows(pool);
        const change = { enterpriseId: enterprise, host, intervalMinutes: interval };
        const done = await setSyncRow(pool, {
          ...change,
          enabled: enabled === undefined ? undefined : enabled === "yes",
        });
        if (!done) throw new Refused(say.noSyncRow(enterprise, host));
        const [row] = await listSyncRows(pool, { enterpriseId: enterprise, host });
        io.out(wantsJson(command) ? JSON.stringify(row) : say.syncSet(enterprise, host));
      }),
    );
}

function syncTable(rows: readonly SyncRow[], say: Messages): string {
  const columns = [say.colEnterprise, say.colHost, say.colEnabled, say.colInterval, say.colChecked, say.colSucceeded];
  return table(
    [...columns, say.colFailedAt, say.colTotal, say.colFailedEvents, say.colError],
    rows.map((row) => [
      row.enterprise_id,
      row.asterisk_host,
      row.sync_enabled ? say.yes : say.no,
      say.minutes(row.check_interval_minutes),
      moment(row.last_check_timestamp, row.timezone),
      moment(row.last_successful_sync, row.timezone),
      moment(row.last_failed_sync, row.timezone),
      String(row.total_downloaded_events),
      String(row.failed_events_count),
      row.last_error_message ?? "",
    ]),
  );
}
