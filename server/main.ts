import { codeOf, RingpostError } from "../shared/errors.ts";
import { createLogger } from "../shared/log.ts";
import type { Io } from "./cli/context.ts";
import { processIo } from "./cli/process-io.ts";
import { runCli } from "./cli/run.ts";
import { startDeliveries } from "./deliver/engine.ts";
import { webhookChannel } from "./deliver/webhook-channel.ts";
import { openVault } from "./deliver/secrets.ts";
import { startTelegram } from "./deliver/telegram/telegram.ts";
import { buildApp } from "./http/app.ts";
import { startJobs } from "./jobs.ts";
import { aborted, lifetime } from "./lifetime.ts";
import { openMetrics } from "./metrics/counters.ts";
import type { ServerSettings } from "./settings.ts";
import { openServerDatabase } from "./store/database.ts";
import { openPool } from "./store/pool.ts";
import { syncWork } from "./sync/jobs.ts";

/** The server's life: database and schema, then what listens, ready, and back in reverse order when the signal comes. */
async function serve(settings: ServerSettings, io: Io): Promise<void> {
  const { stop } = io;
  const log = createLogger({ name: "ringpost-server", level: settings.logLevel });
  const life = lifetime(log);
  try {
    const database = await openServerDatabase({ ...settings, log: (message) => log.warn(message) });
    life.onStop("database", database.close);
    const pool = openPool({
      url: database.url,
      name: "ringpost",
      onError: (err) => log.warn({ err }, "idle connection lost"),
    });
    life.onStop("connections", () => pool.end());
    const metrics = openMetrics();
    const http = buildApp({ pool, log, metrics });
    life.onStop("http", () => http.close());
    const address = await http.listen(settings).catch((cause: unknown) => cannotListen(settings, cause));
    const queue = openPool({
      url: database.url,
      name: "ringpost jobs",
      onError: (err) => log.warn({ err }, "idle connection lost"),
    });
    life.onStop("connections of jobs", () => queue.end());
    const clock = { now: Date.now, random: Math.random };
    const vault = openVault(settings);
    const sending = { pool: queue, log, counts: metrics.deliveries, ...clock, startedAt: clock.now() };
    const telegram = startTelegram({ ...sending, vault, apiRoot: settings.telegramApi });
    life.onStop("telegram", telegram.stop);
    const channels = { webhook: webhookChannel({ vault, now: clock.now }), telegram };
    const deliveries = startDeliveries({ ...sending, channels });
    life.onStop("deliveries", deliveries.stop);
    const work = [syncWork({ pool: queue, log, now: clock.now }), deliveries.work];
    life.onStop("jobs", startJobs({ pool: queue, log, work }));
    io.out(`ready ${address}`);
    io.out(`database ${database.embedded ? database.url : `DATABASE_URL (${whereIs(database.url)})`}`);
    await aborted(stop);
    log.info("stopping");
  } finally {
    await life.stop();
  }
}

/** Host and database name: the embedded database's password is shown, for nobody else knows it; the operator's own is not. */
function whereIs(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function cannotListen({ host, port }: ServerSettings, cause: unknown): never {
  const inUse = codeOf(cause) === "EADDRINUSE";
  throw new RingpostError({
    code: "cannot_listen",
    attempted: "listen",
    on: `${host}:${port}`,
    found: inUse ? "another program uses this port" : String(cause),
    retry: "no",
    next: "Stop the other program, or choose another address with --port or --host (RINGPOST_PORT, RINGPOST_HOST).",
    cause,
  });
}

process.exitCode = await runCli(process.argv.slice(2), processIo(process), serve);
