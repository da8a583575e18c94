import { Type, type Static } from "typebox";
import { LIMITS, WIRE_VERSION } from "./wire-constants.ts";

export { INGEST_PATH, LIMITS, NDJSON, WIRE_VERSION } from "./wire-constants.ts";

/**
 * What agent and server say to each other: POST /v1/ingest, NDJSON, gzip or zstd.
 * One header line, then one line per event; a request without event lines is a heartbeat.
 * wire.test.ts pins the hash of these schemas beside WIRE_VERSION: a change must be entered there, and one that is not
 * understood by the other side's older version takes a new WIRE_VERSION.
 */

const Seq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const EpochMs = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });

/** [from, to], both inclusive. */
export const SeqRange = Type.Tuple([Seq, Seq]);
export type SeqRange = Static<typeof SeqRange>;

export const Lane = Type.Union([Type.Literal("live"), Type.Literal("backlog")]);
export type Lane = Static<typeof Lane>;

/** How an event came to be sent: as it happened, from the backlog or on request, or read from Asterisk's own CDR/CEL files. */
export const Origin = Type.Union([Type.Literal("live"), Type.Literal("downloaded"), Type.Literal("recovered")]);
export type Origin = Static<typeof Origin>;

/** What the agent knows about itself, for the server's status. */
export const AgentReport = Type.Object({
  ami: Type.Union([
    Type.Literal("connected"),
    Type.Literal("connecting"),
    Type.Literal("refused"),
    Type.Literal("lost"),
  ]),
  asterisk_version: Type.Optional(Type.String({ maxLength: 200 })),
  /** In plain words, with what to do; absent when all is well. */
  problem: Type.Optional(Type.String({ maxLength: 2_000 })),
  outbox_bytes: Type.Integer({ minimum: 0 }),
});
export type AgentReport = Static<typeof AgentReport>;

/** How far a window of resend_window is: `left` of its `total` events are not acked yet; 0 left: it is done. */
export const WindowReport = Type.Object({
  id: Type.String({ maxLength: 100 }),
  total: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  left: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  /** When the oldest event the agent still has was captured; absent: it has none, or cannot tell. */
  retained_from: Type.Optional(EpochMs),
});
export type WindowReport = Static<typeof WindowReport>;

export const IngestHeader = Type.Object({
  v: Type.Literal(WIRE_VERSION),
  /** UUID that names the outbox file, or one of Asterisk's own files. */
  stream: Type.String({ pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" }),
  /**
   * "file": rows of one of Asterisk's own CDR or CEL files; a seq is a rowid, or a row's byte offset + 1, so that most
   * seqs name nothing and nobody may ask for them. Absent: the outbox.
   */
  kind: Type.Optional(Type.Literal("file")),
  /** Of a file: the seqs this request accounts for. Those without an event line name no row. */
  span: Type.Optional(SeqRange),
  lane: Lane,
  agent: Type.String({ maxLength: 100 }),
  sent_at: EpochMs,
  /** Highest seq committed in the outbox; 0 when it is empty. */
  highest_seq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  /** Lowest seq not yet acked; null when all is acked. */
  oldest_unacked: Type.Union([Seq, Type.Null()]),
  /**
   * Every seq of this stream the server has ever acked, also while it is sent again; the newest ranges. A database that
   * lacks some of them was put back to an older copy.
   */
  acked: Type.Optional(Type.Array(SeqRange, { maxItems: LIMITS.ackedRangesMax })),
  /** Events not yet acked. */
  waiting: Type.Integer({ minimum: 0 }),
  /** Every window the agent was asked for since it started, the last ones at least; absent: it cannot tell. */
  windows: Type.Optional(Type.Array(WindowReport, { maxItems: LIMITS.windowsMax })),
  report: AgentReport,
});
export type IngestHeader = Static<typeof IngestHeader>;

export const WireEvent = Type.Object({
  seq: Seq,
  /** Capture time on the agent's wall clock, epoch ms. */
  at: EpochMs,
  /** The agent's monotonic clock, ms: tells a clock jump from elapsed time. */
  mono: Type.Integer({ minimum: 0 }),
  origin: Origin,
  ev: Type.Intersect([
    Type.Object({ Event: Type.String({ minLength: 1, maxLength: 200 }) }),
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())])),
  ]),
});
export type WireEvent = Static<typeof WireEvent>;

/** What the server asks of the agent in a reply. Unknown commands are ignored by older agents. */
export const Command = Type.Union([
  Type.Object({
    do: Type.Literal("resend_ranges"),
    ranges: Type.Array(SeqRange, { maxItems: LIMITS.rangesPerCommandMax }),
  }),
  Type.Object({ do: Type.Literal("resend_window"), id: Type.String({ maxLength: 100 }), from: EpochMs, to: EpochMs }),
]);
export type Command = Static<typeof Command>;

export const IngestReply = Type.Object({
  /** Committed in PostgreSQL (or set aside in rejected_events): the agent may forget them. */
  acked: Type.Array(SeqRange),
  /** Server's wall clock, epoch ms. */
  time: EpochMs,
  commands: Type.Array(Command),
  /**
   * Highest seq of this stream the server holds, 0 when none. More than the agent has ever written: its outbox is an old
   * copy and takes a new stream. Less than was acked: the database is an old copy and the agent sends again by itself.
   */
  received_to: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
});
export type IngestReply = Static<typeof IngestReply>;

/** Body of every refusal. `line` is the 1-based NDJSON line, `seq` the event, when one is to blame. */
export const WireProblem = Type.Object({
  error: Type.String(),
  message: Type.String(),
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  seq: Type.Optional(Seq),
});
export type WireProblem = Static<typeof WireProblem>;
