/** Bounds of the ingest, beside those of the wire (shared/wire.ts). */
export const INGEST_LIMITS = {
  /** Requests being read or waiting for the writer; beyond it 503 with Retry-After. */
  requestsMax: 512,
  /** Bodies being unpacked and parsed at one time: bounds memory to this many unpacked bodies. */
  parsersMax: 4,
  /** Events waiting for the writer; beyond it 503 with Retry-After. */
  waitingEventsMax: 200_000,
  /** Bytes of unpacked bodies waiting for the writer; beyond it 503 with Retry-After. */
  waitingBytesMax: 256 * 1024 * 1024,
  /** What the agent is told to wait. */
  retryAfterSeconds: 1,
  /** Connections for live batches, and for backlog batches: one of these keeps this process half busy, the rest is for what is live. */
  liveWritersMax: 2,
  backlogWritersMax: 1,
  /** Batches and events written in one transaction. A batch larger than eventsMax goes alone. Others wait while they are told. */
  groupBatchesMax: 64,
  groupEventsMax: 1_000,
  groupBytesMax: 32 * 1024 * 1024,
  /** How long a backlog group lets live ones go first. */
  yieldMsMax: 50,
  /** Times a group is tried again after a deadlock, a serialization failure or another writer's overlap. */
  attemptsMax: 12,
  /** Full jitter between attempts grows to this. */
  retryDelayMsMax: 200,
  /** Running calls remembered between batches, and the text of their events. */
  rememberedCallsMax: 20_000,
  rememberedCharsMax: 96 * 1024 * 1024,
  /** A site's keys and settings are read again after this: a revoked key lives no longer. */
  siteCacheMsMax: 5_000,
  /** A key not found among remembered ones makes the site be read again, but not more often than this. */
  siteRereadMsMin: 100,
  sitesCachedMax: 10_000,
  streamsCachedMax: 50_000,
  /** What an agent reports is written at most this often while it sends batches. */
  reportMsMin: 5_000,
  /** An agent that tells the same again is looked up for downloads at most this often. */
  downloadsLookMsMin: 1_000,
  /** Calls looked at again in one transaction when a hole was filled. */
  reviewCallsMax: 500,
  /** Events set aside in one call before the rest of its new events is given up as well. */
  rejectedPerCallMax: 20,
  /** Calls wait so long for what an agent reads in Asterisk's own files. */
  repairWaitMsMax: 600_000,
  /** Calls with rows of such files wait so long for what an agent sends again after the database was put back. */
  refillWaitMsMax: 3_600_000,
  /** Longest text put into an indexed column. */
  columnCharsMax: 255,
} as const;
