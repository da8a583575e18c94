import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import {
  checkSync,
  ensureSyncRows,
  lockDueSync,
  noteSync,
  type SyncFacts,
  type SyncScope,
} from "../store/syncChecks.ts";
import { inTransaction } from "../store/transaction.ts";

export interface SyncOptions {
  pool: Pool;
  log: Pick<Logger, "warn">;
  now: () => number;
  stopped?: () => boolean;
}

/** Rows checked in one run; the next run takes the others. */
const checksMax = 10_000;
/** An agent says something every 10 s. */
const silentSecondsMax = 120;

/**
 * Checks every (enterprise, host) that is due, or all of `forced`, each in its own transaction; several servers share
 * them. Returns how many were checked.
 */
export async function runSyncChecks(options: SyncOptions, forced?: SyncScope): Promise<number> {
  await ensureSyncRows(options.pool);
  const startedAt = options.now();
  let checked = 0;
  while (checked < checksMax && options.stopped?.() !== true && (await checkNext(options, startedAt, forced)))
    checked++;
  return checked;
}

async function checkNext({ pool, log, now }: SyncOptions, startedAt: number, forced?: SyncScope): Promise<boolean> {
  const done = await inTransaction(pool, async (client) => {
    const due = await lockDueSync(client, startedAt, forced);
    if (due === undefined) return undefined;
    const nowMs = Math.max(now(), startedAt);
    const facts = await checkSync(client, due, nowMs);
    const failed = facts.missing + facts.lost;
    await noteSync(client, due, { nowMs, failed, downloaded: facts.downloaded, error: errorOf(facts) });
    return { due, failed };
  });
  if (done === undefined) return false;
  const { due, failed } = done;
  if (failed > due.failedBefore) {
    const about = { enterprise: due.enterpriseId, host: due.host, before: due.failedBefore, failed };
    log.warn(about, "more events of a site are missing than at the last check: see `server -- gaps`");
  }
  return true;
}

function errorOf({ silentSeconds, deaf, missing }: SyncFacts): string | null {
  if (silentSeconds === null) return "its agent was never heard: is it installed and running?";
  if (silentSeconds > silentSecondsMax) {
    return `its agent has not been heard for ${Math.round(silentSeconds / 60)} min: is it running, can it reach the server?`;
  }
  if (deaf !== null) return `its agent does not hear Asterisk: ${deaf}`;
  return missing > 0 ? `${missing} events are missing; the agent is asked for them` : null;
}
