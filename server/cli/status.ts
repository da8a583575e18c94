import type { Command } from "commander";
import { readCoverageToday } from "../store/readCoverage.ts";
import { listSyncRows } from "../store/syncRows.ts";
import { readStatus } from "../store/readStatus.ts";
import { type ChatProblem, listChatProblems } from "../store/telegram/chatCircuit.ts";
import { wantsJson, withPool, type Context } from "./context.ts";
import { readDrain } from "./drain.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { oneLine } from "./print.ts";
import { statusText, syncOf } from "./status-text.ts";
import { troublesOf } from "./troubles.ts";

export function statusCommand(program: Command, context: Context): void {
  const { io, say } = context;
  program
    .command("status")
    .description(say.aboutStatus)
    .option("--all", say.optAllSites)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["status", "status --all", "status --json"]))
    .action(({ all = false }: { all?: boolean }, command: Command) =>
      withPool(context, command, async (pool) => {
        const sites = await readStatus(pool);
        const syncs = await listSyncRows(pool);
        const chats = await listChatProblems(pool);
        const drain = await readDrain(sites, () => readStatus(pool));
        const seen = await readCoverageToday(pool, io.now().getTime());
        if (wantsJson(command)) {
          const told = sites.map((site) => ({
            ...site,
            backlog: { ...site.backlog, drain_seconds: drain.get(site.site) ?? null },
            coverage_today: seen.get(site.site) ?? null,
            sync: syncOf(site, syncs),
            troubles: troublesOf(site, syncOf(site, syncs), io.now(), say),
          }));
          return io.out(JSON.stringify({ time: io.now(), sites: told, telegram: chats }));
        }
        io.out(
          sites.length === 0
            ? say.noSites
            : statusText(sites, syncs, { now: io.now(), say, all, seenToday: seen, drain }),
        );
        for (const chat of chats) io.out(chatLine(chat, say));
      }),
    );
}

function chatLine({ enterprise_id, target, problem }: ChatProblem, say: Messages): string {
  return oneLine(say.telegramProblem(`${enterprise_id} ${target}`, problem));
}
