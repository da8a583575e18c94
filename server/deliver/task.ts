import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import { type Claim, type ClaimedDelivery, claimDelivery, postponeDelivery } from "../store/claimDelivery.ts";
import { noteFailure, noteSuccess, pauseTarget, probeTarget } from "../store/deliveryCircuit.ts";
import { addDeliveryJob, type DeliveryKey } from "../store/deliveryJobs.ts";
import { finishDelivery } from "../store/finishDelivery.ts";
import { readDeliverable } from "../store/readDeliverable.ts";
import { channelOf, type Channels, type Outcome } from "./channel.ts";
import type { DeliveryCounts } from "./counts.ts";
import { DELIVERY_LIMITS, retryDelayMs } from "./limits.ts";
import { givesWay } from "./rules.ts";

export interface DeliveryContext {
  pool: Pool;
  log: Logger;
  channels: Channels;
  now: () => number;
  random: () => number;
  /** When this server began, epoch ms. */
  startedAt: number;
  counts?: DeliveryCounts;
}

const CLAIM = {
  claimMsMax: DELIVERY_LIMITS.claimMsMax,
  doubtMsMax: DELIVERY_LIMITS.doubtMsMax,
  failuresMax: DELIVERY_LIMITS.circuitFailuresMax,
  openMs: DELIVERY_LIMITS.circuitOpenMs,
};

/** `recovered`: a target that was left alone works again. `pausedUntil`: it is left alone until then (epoch ms). */
export interface Told {
  recovered: boolean;
  pausedUntil?: number;
}

/** Sends all that is due to one target about one call, oldest first; stops at the first that fails. */
export async function deliverCall(context: DeliveryContext, key: DeliveryKey): Promise<Told> {
  let recovered = false;
  for (let more = true; more;) {
    const claim = await claimNext(context, key);
    if (claim.kind === "closed") return { recovered, pausedUntil: claim.until };
    if (claim.kind !== "claimed") break;
    const done = await deliver(context, key, claim.delivery);
    recovered ||= done.recovered;
    more = done.more;
  }
  return { recovered };
}

/** When it is for later a job comes. */
async function claimNext({ pool, startedAt }: DeliveryContext, key: DeliveryKey): Promise<Claim> {
  const limits = { ...CLAIM, startedAt };
  let claim = await claimDelivery(pool, key, limits);
  if (claim.kind === "closed" && (await probeTarget(pool, key, CLAIM.openMs))) {
    claim = await claimDelivery(pool, key, limits, true);
  }
  if (claim.kind === "later") await addDeliveryJob(pool, key, claim.at);
  return claim;
}

/** `recovered`: a circuit that was open has closed. `more`: more of the call may wait. */
interface Delivered {
  recovered: boolean;
  more: boolean;
}

async function deliver(context: DeliveryContext, key: DeliveryKey, delivery: ClaimedDelivery): Promise<Delivered> {
  const { pool, now, counts } = context;
  const claimedAt = now();
  const outcome = await attempt(context, key, delivery);
  counts?.attempt(key.channel, outcome.kind);
  if (outcome.kind === "sent" && delivery.attempts === 1) {
    counts?.sent(key.channel, (delivery.ageMs + now() - claimedAt) / 1000);
  }
  if (outcome.kind === "retry") {
    await putOff(context, key, delivery, outcome);
    return { recovered: false, more: true };
  }
  const more = await close(context, key, delivery, outcome);
  // A target that is no more keeps nothing waiting.
  const isOpen = outcome.kind === "sent" || (outcome.kind === "dead" && outcome.noTarget === true);
  if (!isOpen || delivery.targetFailures === 0) return { recovered: false, more };
  await noteSuccess(pool, key);
  return { recovered: delivery.targetFailures >= CLAIM.failuresMax, more };
}

async function close(
  context: DeliveryContext,
  key: DeliveryKey,
  delivery: ClaimedDelivery,
  outcome: Exclude<Outcome, { kind: "retry" }> | Superseded,
): Promise<boolean> {
  if (outcome.kind === "dead") {
    await giveUp(context, key, delivery, outcome.error);
    return true;
  }
  return surely(() => finishDelivery(context.pool, { ...delivery, state: outcome.kind, error: outcome.note ?? null }));
}

/** What was sent and is not noted is sent again: a database that is away for a moment shall not cause that. */
async function surely<T>(note: () => Promise<T>): Promise<T> {
  for (let left: number = DELIVERY_LIMITS.noteTriesMax; ; left--) {
    try {
      return await note();
    } catch (error) {
      if (left === 1) throw error;
      await sleep(DELIVERY_LIMITS.noteAgainMs);
    }
  }
}

async function putOff(
  context: DeliveryContext,
  key: DeliveryKey,
  delivery: ClaimedDelivery,
  { error, afterMs = 0, wholeTarget = false }: Extract<Outcome, { kind: "retry" }>,
): Promise<void> {
  const { pool, random } = context;
  const delay = Math.min(Math.max(retryDelayMs(delivery.attempts, random), afterMs), DELIVERY_LIMITS.retryDelayMsMax);
  if (wholeTarget) await pauseTarget(pool, key, Math.max(afterMs, 1_000), CLAIM.failuresMax);
  else await noteFailure(pool, key, CLAIM);
  if (delivery.retriedMs > DELIVERY_LIMITS.retryAgeMsMax) await giveUp(context, key, delivery, error);
  else await postponeDelivery(pool, delivery.id, delay, error);
}

async function giveUp(
  { pool, log }: DeliveryContext,
  { enterpriseId, channel, target }: DeliveryKey,
  { id }: ClaimedDelivery,
  error: string,
): Promise<void> {
  log.warn({ enterprise: enterpriseId, channel, target, delivery: id, error }, "a delivery is given up");
  await finishDelivery(pool, { id, state: "given_up", error });
}

async function attempt(
  { pool, channels }: DeliveryContext,
  key: DeliveryKey,
  delivery: ClaimedDelivery,
): Promise<Outcome | Superseded> {
  const told = await readDeliverable(pool, delivery.id);
  if (told === undefined) return { kind: "superseded", note: "the call is told differently by now" };
  const { ageMs, newerWaits, type } = delivery;
  const isLive = told.step.dataSource === "live";
  if (givesWay({ type, isLive, newerWaits, callRuns: told.call.state === "running", ageMs })) {
    return { kind: "superseded", note: "it could not be sent in time: the call has gone on" };
  }
  try {
    const channel = channelOf(channels, key.channel);
    if (channel === undefined) return { kind: "retry", error: `this server has no channel ${key.channel}` };
    return await channel.send({ key, delivery, told });
  } catch (error) {
    return { kind: "retry", error: messageOf(error) };
  }
}

interface Superseded {
  kind: "superseded";
  note: string;
}
