/** The wire's fixed words and bounds, apart from its schemas: the agent's process has no room for a schema library. */
export const WIRE_VERSION = 1;
export const INGEST_PATH = "/v1/ingest";
export const NDJSON = "application/x-ndjson";

/** Bounds both sides keep. The agent builds batches well below them; the server refuses beyond them (413). */
export const LIMITS = {
  bodyCompressedBytesMax: 8 * 1024 * 1024,
  bodyBytesMax: 32 * 1024 * 1024,
  lineBytesMax: 4 * 1024 * 1024,
  eventsPerBatchMax: 10_000,
  headersPerEventMax: 1_000,
  rangesPerCommandMax: 1_000,
  /** Ranges of what was ever acked in a header. */
  ackedRangesMax: 50,
  /** Windows an agent tells of in a header. */
  windowsMax: 20,
} as const;
