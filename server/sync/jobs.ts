import { Logger as WorkerLogger, run, type Runner } from "graphile-worker";
import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import { aborted } from "../lifetime.ts";
import { runSyncChecks } from "./check.ts";
import { retain } from "./retention.ts";

export interface JobsOptions {
  pool: Pool;
  log: Logger;
  now: () => number;
}

/** What runs by the clock. A key each: what did not run in time is replaced by the next. */
const CRONTAB = ["* * * * * sync ?jobKey=sync&max=1", "17 * * * * retention ?jobKey=retention&max=1"].join("\n");
const startAgainMs = 5_000;

/**
 * Runs the jobs that recur, on one of the servers of this database at a time. When the database goes away they start again
 * once it is back. Returns how to stop.
 */
export function startJobs(options: JobsOptions): () => Promise<void> {
  const stopping = new AbortController();
  const over = keepRunning(options, stopping.signal);
  return async () => {
    stopping.abort();
    await over;
  };
}

async function keepRunning(options: JobsOptions, stop: AbortSignal): Promise<void> {
  const stopped = aborted(stop);
  while (!stop.aborted) {
    try {
      const runner = await startRunner(options, stop);
      await Promise.race([runner.promise, stopped]).finally(() => runner.stop().catch(() => undefined));
    } catch (error) {
      if (!stop.aborted) options.log.warn({ err: error }, "the recurring jobs stopped; they start again by themselves");
    }
    if (!stop.aborted)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, startAgainMs).unref()), stopped]);
  }
}

function startRunner({ pool, log, now }: JobsOptions, stop: AbortSignal): Promise<Runner> {
  return run({
    pgPool: pool,
    concurrency: 1,
    noHandleSignals: true,
    crontab: CRONTAB,
    logger: quietLogger(log),
    taskList: {
      sync: async () => void (await runSyncChecks({ pool, log, now, stopped: () => stop.aborted })),
      retention: async () => void (await retain({ pool, log, now, stopped: () => stop.aborted })),
    },
  });
}

/** What the queue itself says: every job at debug, what went wrong as a warning. */
function quietLogger(log: Logger): WorkerLogger {
  return new WorkerLogger(() => (level, message) => {
    if (level === "error" || level === "warning") log.warn({ from: "jobs" }, message);
    else log.debug({ from: "jobs" }, message);
  });
}
