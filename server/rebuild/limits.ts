/** Bounds of assembling again: what one transaction locks and one batch holds in memory. */
export const REBUILD_LIMITS = {
  batchCallsMax: 200,
  /** A call with more goes alone. */
  batchEventsMax: 20_000,
  /** Calls that share channels and are told apart or together in one transaction. */
  entangledCallsMax: 500,
  /** Times a batch is tried again after a deadlock or another writer's overlap. */
  attemptsMax: 12,
  /** Full jitter between attempts grows to this. */
  retryDelayMsMax: 500,
} as const;
