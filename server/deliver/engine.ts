import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import type { Work } from "../jobs.ts";
import { deleteDeliveries } from "../store/deleteDeliveries.ts";
import { addDeliveryJob, DELIVER_TASK, findDueDeliveries, targetOf, type DeliveryKey } from "../store/deliveryJobs.ts";
import { findExpiredDeliveries, finishDelivery } from "../store/finishDelivery.ts";
import { channelOf, type Channels } from "./channel.ts";
import type { DeliveryCounts } from "./counts.ts";
import { Lanes } from "./lanes.ts";
import { DELIVERY_LIMITS } from "./limits.ts";
import { Pauses } from "./pauses.ts";
import { Sweeps } from "./sweeps.ts";
import { deliverCall } from "./task.ts";

/** Longer than steps that are no hangups are kept (server/sync/retention.ts): a step that is told again finds its delivery. */
const RETENTION = { doneDays: 95, deadDays: 180 };

export interface EngineOptions {
  pool: Pool;
  log: Logger;
  channels: Channels;
  now: () => number;
  random: () => number;
  /** When this server began, epoch ms. */
  startedAt: number;
  counts?: DeliveryCounts;
}

export interface Engine {
  /** For the job queue: it brings what ingest has just noted. */
  work: Work;
  /** After the queue has stopped: waits for what is being sent. */
  stop(): Promise<void>;
}

/**
 * Sends deliveries until stopped. Any number of servers share the work of one database: jobs tell at once of what is new, and
 * a sweep finds what has lost its job (a server died, an endpoint works again).
 */
export function startDeliveries(options: EngineOptions): Engine {
  const { pool, log, channels } = options;
  const lanes = new Lanes({
    waitingMax: DELIVERY_LIMITS.perTargetWaitingMax,
    perTargetMax: (channel) => channelOf(channels, channel)?.perTargetMax ?? 1,
    run: (key) => tell(key),
    onRoom: () => sweep(0),
  });
  const add = (key: DeliveryKey): void => {
    const channel = channels[key.channel];
    if (channel !== undefined && "wake" in channel) channel.wake(key);
    else lanes.add(key);
  };
  const sweeps = new Sweeps((overdueMsMin) =>
    sweepOnce(pool, add, overdueMsMin).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, "overdue deliveries were not looked for; the next round does"),
    ),
  );
  const sweep = (overdueMsMin: number = DELIVERY_LIMITS.overdueMsMin): void => sweeps.ask(overdueMsMin);
  const tell = async (key: DeliveryKey): Promise<void> => {
    try {
      const { recovered, pausedUntil } = await deliverCall(options, key);
      if (pausedUntil !== undefined) pauses.end(targetOf(key), pausedUntil - options.now());
      if (recovered) sweep(0);
    } catch (error) {
      log.warn({ error: messageOf(error), call: key.callId }, "a delivery was interrupted; the next round goes on");
    }
  };
  const pauses = new Pauses(() => sweep(0));
  const timer = setInterval(() => sweep(), DELIVERY_LIMITS.sweepEveryMs);
  return {
    work: {
      crontab: ["27 * * * * deliveries_retention ?jobKey=deliveries_retention&max=1"],
      tasks: (stop) => ({
        [DELIVER_TASK]: async (payload) => add(payload as DeliveryKey),
        deliveries_retention: () => deleteOld(pool, stop),
      }),
    },
    async stop() {
      clearInterval(timer);
      pauses.clear();
      await sweeps.close();
      // Other servers take it at once, or this one when it is started again.
      for (const key of await lanes.close()) await addDeliveryJob(pool, key, options.now());
    },
  };
}

/** Deliveries that are done for long go, in small pieces. */
export async function deleteOld(pool: Pool, stop: Pick<AbortSignal, "aborted">): Promise<void> {
  let after: number | undefined = 0;
  while (after !== undefined && !stop.aborted) {
    after = await deleteDeliveries(pool, RETENTION, after, DELIVERY_LIMITS.deletedAtOnceMax);
  }
}

async function sweepOnce(pool: Pool, add: (key: DeliveryKey) => void, overdueMsMin: number): Promise<void> {
  const { retryAgeMsMax, perTargetWaitingMax, sweptMax } = DELIVERY_LIMITS;
  for (const { id, lost } of await findExpiredDeliveries(pool, retryAgeMsMax, sweptMax)) {
    const error = lost ? "its call was deleted" : "the endpoint did not work for a day";
    await finishDelivery(pool, { id, state: "given_up", error });
  }
  // More than a lane takes: so it knows that there is more.
  for (const key of await findDueDeliveries(pool, overdueMsMin, 2 * perTargetWaitingMax)) add(key);
}
