import { Logger as WorkerLogger, run, type Runner, type TaskList } from "graphile-worker";
import type { Pool } from "pg";
import type { Logger } from "../shared/log.ts";
import { aborted } from "./lifetime.ts";

/** What a part of the server wants done by the job queue. `stop` tells its tasks that the server stops. */
export interface Work {
  /** Lines of a crontab; each runs on one of the servers of this database at a time. */
  crontab?: readonly string[];
  tasks(stop: AbortSignal): TaskList;
}

export interface JobsOptions {
  /** Of its own: ended only after the queue has stopped. */
  pool: Pool;
  log: Logger;
  work: readonly Work[];
}

/** Jobs only hand over what is to be done, or recur. */
const jobsMax = 4;
/** Many come together when calls do: one look for all of them. */
const fetchedAtOnceMax = 20;
/** New jobs are told by NOTIFY; this is for those that become due. */
const pollMs = 1_000;
const startAgainMs = 5_000;

/**
 * Runs the job queue. When the database goes away it starts again once that is back. Returns how to stop: what runs is
 * finished first, and noted.
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
      if (!stop.aborted) options.log.warn({ err: error }, "the job queue stopped; it starts again by itself");
    }
    if (!stop.aborted)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, startAgainMs).unref()), stopped]);
  }
}

function startRunner({ pool, log, work }: JobsOptions, stop: AbortSignal): Promise<Runner> {
  return run({
    // Jobs are noted as done in batches because only those are waited for when it stops.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0, localQueue: { size: fetchedAtOnceMax } } },
    pgPool: pool,
    concurrency: jobsMax,
    pollInterval: pollMs,
    noHandleSignals: true,
    crontab: work.flatMap(({ crontab = [] }) => crontab).join("\n"),
    logger: quietLogger(log),
    taskList: Object.assign({}, ...work.map(({ tasks }) => tasks(stop))) as TaskList,
  });
}

/** What the queue itself says: every job at debug, what went wrong as a warning. */
function quietLogger(log: Logger): WorkerLogger {
  return new WorkerLogger(() => (level, message) => {
    if (level === "error" || level === "warning") log.warn({ from: "jobs" }, message);
    else log.debug({ from: "jobs" }, message);
  });
}
