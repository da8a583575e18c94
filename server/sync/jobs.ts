import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import type { Work } from "../jobs.ts";
import { runSyncChecks } from "./check.ts";
import { retain } from "./retention.ts";

export interface SyncWorkOptions {
  pool: Pool;
  log: Logger;
  now: () => number;
}

/** What recurs: the checks of download_sync, and retention. A key each: what did not run in time is replaced by the next. */
export function syncWork({ pool, log, now }: SyncWorkOptions): Work {
  return {
    crontab: ["* * * * * sync ?jobKey=sync&max=1", "17 * * * * retention ?jobKey=retention&max=1"],
    tasks: (stop) => ({
      sync: async () => void (await runSyncChecks({ pool, log, now, stopped: () => stop.aborted })),
      retention: async () => void (await retain({ pool, log, now, stopped: () => stop.aborted })),
    }),
  };
}
