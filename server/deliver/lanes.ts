import PQueue from "p-queue";
import { targetOf, type DeliveryKey } from "../store/deliveryJobs.ts";

export interface LanesOptions {
  /** Tells one target of one call. Never rejects. */
  run: (key: DeliveryKey) => Promise<void>;
  perTargetMax: (channel: string) => number;
  /** Calls waiting for one target in memory; the others wait in the database alone. */
  waitingMax: number;
  /** A lane that was full has room again. */
  onRoom: () => void;
}

interface Lane {
  queue: PQueue;
  /** By call id. */
  waiting: Map<number, DeliveryKey>;
  running: Set<number>;
  /** There is more in the database. */
  isFull: boolean;
}

/** A lane for every target, so that a slow one keeps only its own calls waiting. A call is never twice at once in a lane. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  #closed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  add(key: DeliveryKey): void {
    const lane = this.#laneOf(key);
    if (this.#closed || lane.waiting.has(key.callId)) return;
    lane.isFull = lane.waiting.size >= this.#options.waitingMax;
    if (lane.isFull) return;
    lane.waiting.set(key.callId, key);
    // One that runs now is begun again when it is done: it may have looked already.
    if (!lane.running.has(key.callId)) void lane.queue.add(() => this.#run(lane, key));
  }

  /** Takes no more and resolves when what is being sent is done, with what only waited. */
  async close(): Promise<DeliveryKey[]> {
    this.#closed = true;
    const lanes = [...this.#lanes.values()];
    for (const { queue } of lanes) queue.clear();
    await Promise.all(lanes.map(({ queue }) => queue.onIdle()));
    return lanes.flatMap(({ waiting }) => [...waiting.values()]);
  }

  #laneOf(key: DeliveryKey): Lane {
    const name = targetOf(key);
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const concurrency = this.#options.perTargetMax(key.channel);
    const queue = new PQueue({ concurrency });
    const lane: Lane = { queue, waiting: new Map(), running: new Set(), isFull: false };
    lane.queue.addEventListener("idle", () => this.#lanes.delete(name));
    this.#lanes.set(name, lane);
    return lane;
  }

  async #run(lane: Lane, key: DeliveryKey): Promise<void> {
    lane.waiting.delete(key.callId);
    lane.running.add(key.callId);
    await this.#options.run(key);
    lane.running.delete(key.callId);
    if (this.#closed) return;
    if (lane.waiting.has(key.callId)) void lane.queue.add(() => this.#run(lane, key));
    if (lane.isFull && lane.waiting.size < this.#options.waitingMax / 2) {
      lane.isFull = false;
      this.#options.onRoom();
    }
  }
}
