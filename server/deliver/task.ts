import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import { type ClaimedDelivery, claimDelivery, nextDeliveryAt, postponeDelivery } from "../store/claimDelivery.ts";
import { circuitOpenUntil, noteAttempt, pauseTarget } from "../store/deliveryCircuit.ts";
import { addDeliveryJob, type DeliveryKey } from "../store/deliveryJobs.ts";
import { finishDelivery } from "../store/finishDelivery.ts";
import { readDeliverable } from "../store/readDeliverable.ts";
import type { Channels, Outcome } from "./channel.ts";
import { DELIVERY_LIMITS, retryDelayMs } from "./limits.ts";

export interface DeliveryContext {
  pool: Pool;
  log: Logger;
  channels: Channels;
  now: () => number;
  random: () => number;
}

const CIRCUIT = { failuresMax: DELIVERY_LIMITS.circuitFailuresMax, openMs: DELIVERY_LIMITS.circuitOpenMs };

/**
 * Sends all that is due to one target about one call, oldest first; stops at the first that fails. `recovered`: a target that was
 * left alone works again, and what waits for it may go.
 */
export async function deliverCall(context: DeliveryContext, key: DeliveryKey): Promise<{ recovered: boolean }> {
  const { pool, now, random } = context;
  let recovered = false;
  for (;;) {
    const due = await nextDeliveryAt(pool, key);
    if (due === undefined) return { recovered };
    if (due > now()) {
      await addDeliveryJob(pool, key, due);
      return { recovered };
    }
    const closedUntil = await circuitOpenUntil(pool, key, CIRCUIT);
    if (closedUntil !== undefined) {
      await addDeliveryJob(pool, key, closedUntil + random() * CIRCUIT.openMs);
      return { recovered };
    }
    const delivery = await claimDelivery(pool, key, DELIVERY_LIMITS.claimMsMax);
    if (delivery !== undefined && (await deliver(context, key, delivery))) recovered = true;
  }
}

/** True when a circuit that was open has closed. */
async function deliver(context: DeliveryContext, key: DeliveryKey, delivery: ClaimedDelivery): Promise<boolean> {
  const { pool } = context;
  const outcome = await attempt(context, key, delivery);
  if (outcome.kind === "sent") {
    await finishDelivery(pool, { id: delivery.id, state: "sent", error: outcome.note ?? null });
    return noteAttempt(pool, key, true, CIRCUIT);
  }
  if (outcome.kind === "retry") return putOff(context, key, delivery, outcome);
  await giveUp(context, key, delivery, outcome.error);
  return false;
}

async function putOff(
  context: DeliveryContext,
  key: DeliveryKey,
  delivery: ClaimedDelivery,
  { error, afterMs = 0, wholeTarget = false }: Extract<Outcome, { kind: "retry" }>,
): Promise<false> {
  const { pool, now, random } = context;
  const delay = Math.min(Math.max(retryDelayMs(delivery.attempts, random), afterMs), DELIVERY_LIMITS.retryDelayMsMax);
  if (wholeTarget) await pauseTarget(pool, key, Math.max(afterMs, 1_000), CIRCUIT.failuresMax);
  else await noteAttempt(pool, key, false, CIRCUIT);
  if (now() - delivery.retrySince > DELIVERY_LIMITS.retryAgeMsMax) await giveUp(context, key, delivery, error);
  else await postponeDelivery(pool, delivery.id, now() + delay, error);
  return false;
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
): Promise<Outcome> {
  const told = await readDeliverable(pool, key.callId, delivery);
  if (told === undefined) return { kind: "dead", error: "the step is no longer told" };
  try {
    const channel = channels[key.channel];
    if (channel === undefined) return { kind: "retry", error: `this server has no channel ${key.channel}` };
    return await channel.send({ key, delivery, told });
  } catch (error) {
    return { kind: "retry", error: messageOf(error) };
  }
}
