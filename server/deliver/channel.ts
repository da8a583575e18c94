import type { ClaimedDelivery } from "../store/claimDelivery.ts";
import type { DeliveryKey } from "../store/deliveryJobs.ts";
import type { Deliverable } from "../store/readDeliverable.ts";

/** One thing to tell one target: a step, and the call as it stands now. */
export interface Attempt {
  /** Enterprise, channel, target and call. */
  key: DeliveryKey;
  delivery: ClaimedDelivery;
  told: Deliverable;
}

/**
 * What came of an attempt. `sent`: the target has it, or the channel knows that it needs not (then `note` says why). `retry`: not
 * before `afterMs`; with `wholeTarget` nothing else goes to the target either until then, and it is no failure of the target (it
 * asked for a pause). `dead`: trying again cannot help; with `noTarget` nothing that waits for the target can be sent any more.
 */
export type Outcome =
  | { kind: "sent"; note?: string }
  | { kind: "retry"; error: string; afterMs?: number; wholeTarget?: boolean }
  | { kind: "dead"; error: string; noTarget?: boolean };

/** A way to tell people or machines. The engine sees to order, retries, circuits and flags. */
export interface Channel {
  /** Calls told at once to one target, by one server. */
  perTargetMax: number;
  /** May take `DELIVERY_LIMITS.sendMsMax`. What it throws is a failure to be tried again. */
  send(attempt: Attempt): Promise<Outcome>;
}

/** A channel that sees to all of that itself; it is only told that something may wait. */
export interface OwnQueue {
  wake(key: DeliveryKey): void;
}

/** By the name in `deliveries.channel`. */
export type Channels = Readonly<Record<string, Channel | OwnQueue>>;

/** The channel the engine sends through; undefined when there is none of that name here. */
export function channelOf(channels: Channels, name: string): Channel | undefined {
  const channel = channels[name];
  return channel !== undefined && "send" in channel ? channel : undefined;
}
