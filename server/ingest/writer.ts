import { setTimeout as sleep } from "node:timers/promises";
import PQueue from "p-queue";
import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import type { Lane } from "../../shared/wire.ts";
import { ensurePartitions } from "../store/ensurePartitions.ts";
import { findReviewable } from "../store/findReviewable.ts";
import { inTransaction } from "../store/transaction.ts";
import type { Assembler } from "./assembler.ts";
import { COUNTS_NOTHING, type IngestCounts } from "./counts.ts";
import { type Work, writeGroup, type Written } from "./group.ts";
import { INGEST_LIMITS } from "./limits.ts";
import { CallMemories } from "./memory.ts";
import { cureOf, GaveUp, lacksPartition } from "./pg-failure.ts";
import { PutBack, settlePutBack } from "./put-back.ts";
import type { Ranges } from "./ranges.ts";
import { StreamVanished } from "./fresh.ts";
import { busy } from "./refusal.ts";
import { halves, setAside } from "./split.ts";
import type { Batch, SiteContext } from "./types.ts";

/** The batch is committed. `settled`: the seqs of its stream that are received or will never come, at least. */
export interface Accepted {
  settled: Ranges;
}

export interface WriterOptions {
  pool: Pool;
  assembler: Assembler;
  log: Logger;
  now: () => number;
  random: () => number;
  /** A stream is not where it was: what is remembered of streams is to be looked up again. */
  streamVanished?: () => void;
  liveWriters?: number;
  backlogWriters?: number;
  counts?: IngestCounts;
}

interface Waiting {
  batch: Batch;
  resolve: (accepted: Accepted) => void;
  reject: (error: unknown) => void;
}

/**
 * Writes batches exactly once. Batches that wait at the same moment share a transaction; one that cannot be written is
 * tried alone, then taken apart until the event at fault is found and set aside. Live batches have connections of their own.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #counts: IngestCounts;
  readonly #memories = new CallMemories(INGEST_LIMITS.rememberedCallsMax, INGEST_LIMITS.rememberedCharsMax);
  readonly #lanes: Record<Lane, { queue: PQueue; waiting: Waiting[] }>;
  readonly #reviews = new Map<number, SiteContext>();
  #waitingEvents = 0;
  #waitingBytes = 0;
  #partitionsFor = "";

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#counts = options.counts ?? COUNTS_NOTHING;
    const { liveWriters = INGEST_LIMITS.liveWritersMax, backlogWriters = INGEST_LIMITS.backlogWritersMax } = options;
    this.#lanes = {
      live: { queue: new PQueue({ concurrency: liveWriters }), waiting: [] },
      backlog: { queue: new PQueue({ concurrency: backlogWriters }), waiting: [] },
    };
  }

  /** Resolves once the batch is committed. Rejects with Refusal 503 when too much waits or the database is away. */
  submit(batch: Batch): Promise<Accepted> {
    const { waitingEventsMax, waitingBytesMax, retryAfterSeconds } = INGEST_LIMITS;
    if (this.#waitingEvents > waitingEventsMax || this.#waitingBytes > waitingBytesMax) {
      return Promise.reject(busy("too many events wait to be written: send again", retryAfterSeconds));
    }
    this.#waitingEvents += batch.events.length;
    this.#waitingBytes += batch.bytes;
    this.#counts.batch(batch.lane, batch.events.length);
    const { queue, waiting } = this.#lanes[batch.lane];
    const accepted = new Promise<Accepted>((resolve, reject) => waiting.push({ batch, resolve, reject }));
    void queue.add(() => this.#drain(batch.lane, waiting));
    return accepted.finally(() => {
      this.#waitingEvents -= batch.events.length;
      this.#waitingBytes -= batch.bytes;
    });
  }

  /** Looks again at the site's calls that waited for earlier events. Returns at once. */
  review(site: SiteContext): void {
    if (this.#reviews.has(site.id)) return;
    this.#reviews.set(site.id, site);
    void this.#lanes.backlog.queue.add(() => this.#review(site));
  }

  /** Resolves when nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    do {
      await Promise.all([this.#lanes.live.queue.onIdle(), this.#lanes.backlog.queue.onIdle()]);
    } while (this.#reviews.size > 0);
  }

  async #drain(lane: Lane, waiting: Waiting[]): Promise<void> {
    if (lane === "backlog") await Promise.race([this.#lanes.live.queue.onIdle(), sleep(INGEST_LIMITS.yieldMsMax)]);
    const group = takeGroup(waiting);
    if (group.length === 0) return;
    try {
      const written = await this.#write({ batches: group.map(({ batch }) => batch), reviewed: [] });
      for (const { batch, resolve } of group) resolve({ settled: written.settled.get(batch.streamId) ?? [] });
    } catch (error) {
      if (group.length > 1) for (const one of group) await this.#writeAlone(one);
      else await this.#writeAlone(group[0]!, error);
    }
  }

  async #writeAlone({ batch, resolve, reject }: Waiting, failed?: unknown): Promise<void> {
    try {
      resolve({ settled: await this.#writeApart(batch, failed) });
    } catch (error) {
      if (error instanceof StreamVanished) this.#options.streamVanished?.();
      this.#options.log.error({ err: error, site: batch.site.id }, "a batch could not be written; the agent keeps it");
      reject(
        busy(`the database did not take the batch (${messageOf(error)}): send again`, INGEST_LIMITS.retryAfterSeconds),
      );
    }
  }

  /** Writes a batch, in halves when the database refuses something in it; a single refused event is set aside. */
  async #writeApart(batch: Batch, failed?: unknown): Promise<Ranges> {
    try {
      if (failed !== undefined) throw failed;
      const written = await this.#write({ batches: [batch], reviewed: [] });
      return written.settled.get(batch.streamId) ?? [];
    } catch (error) {
      if (cureOf(error) !== "apart" || batch.events.length === 0) throw error;
      if (batch.events.length === 1) return this.#writeApart(setAside(batch, messageOf(error)));
      const [first, second] = halves(batch);
      await this.#writeApart(first);
      return this.#writeApart(second);
    }
  }

  async #write(work: Work): Promise<Written> {
    const { pool, assembler, now, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const receivedAt = now();
        await this.#ensurePartitions(receivedAt);
        const written = await inTransaction(
          pool,
          (client) => writeGroup(client, work, assembler, this.#memories, receivedAt),
          "begun by the work",
        );
        this.#committed(written);
        this.#counts.committed(written.ingested);
        countLag(work.batches, now(), this.#counts);
        return written;
      } catch (error) {
        // A database that was put back to an older copy has not the partitions that were made meanwhile.
        if (lacksPartition(error)) this.#partitionsFor = "";
        if (error instanceof PutBack) await settlePutBack(pool, log, error.lost);
        else if (cureOf(error) !== "again") throw error;
        if (attempt === INGEST_LIMITS.attemptsMax) throw new GaveUp(attempt, error);
        this.#counts.repeated();
        log.debug({ attempt, reason: messageOf(error) }, "a transaction is repeated");
        await sleep(this.#options.random() * Math.min(INGEST_LIMITS.retryDelayMsMax, 2 ** attempt));
      }
    }
  }

  #committed({ memories, rejected, reviewSites }: Written): void {
    for (const memory of memories) this.#memories.put(memory);
    for (const site of reviewSites.values()) this.review(site);
    for (const { siteId, streamId, event, reason, detail } of rejected) {
      const about = { site: siteId, stream: streamId, seq: event.seq, reason, detail };
      this.#options.log[reason === "conflict" ? "error" : "warn"](about, "an event was set aside in rejected_events");
    }
  }

  async #ensurePartitions(atMs: number): Promise<void> {
    const day = new Date(atMs).toISOString().slice(0, 10);
    if (day === this.#partitionsFor) return;
    await ensurePartitions(this.#options.pool, atMs);
    this.#partitionsFor = day;
  }

  async #review(site: SiteContext): Promise<void> {
    this.#reviews.delete(site.id);
    const seen = new Set<number>();
    try {
      for (;;) {
        const found = await findReviewable(this.#options.pool, site.id, INGEST_LIMITS.reviewCallsMax);
        const reviewed = found.filter((id) => !seen.has(id)).map((callId) => ({ site, callId }));
        if (reviewed.length === 0) return;
        for (const { callId } of reviewed) seen.add(callId);
        await this.#write({ batches: [], reviewed });
      }
    } catch (error) {
      this.#options.log.warn(
        { err: error, site: site.id },
        "waiting calls were not looked at; the next heartbeat does",
      );
    }
  }
}

function countLag(batches: readonly Batch[], committedAt: number, counts: IngestCounts): void {
  for (const { lane, events } of batches) {
    const newest = events.at(-1);
    if (lane === "live" && newest !== undefined) counts.liveLag(Math.max(committedAt - newest.at, 0) / 1000);
  }
}

/** From the front, as many as fit into one transaction, at least one. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  let events = 0;
  let bytes = 0;
  let count = 0;
  for (const { batch } of waiting) {
    events += batch.events.length;
    bytes += batch.bytes;
    const fits = events <= INGEST_LIMITS.groupEventsMax && bytes <= INGEST_LIMITS.groupBytesMax;
    if (count > 0 && (!fits || count === INGEST_LIMITS.groupBatchesMax)) break;
    count++;
  }
  return waiting.splice(0, count);
}
