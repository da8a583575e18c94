import type { AmiState } from "../ami/session.ts";
import type { LinkState } from "../forward/link.ts";
import type { OutboxState } from "../outbox/protocol.ts";

/** What `status --json` prints: a written contract, fields are only ever added. Times are epoch ms. */
export interface AgentStatus {
  running: true;
  version: string;
  pid: number;
  started_at: number;
  now: number;
  rss_bytes: number;
  ami: {
    address: string;
    state: AmiState["state"];
    since: number;
    asterisk_version: string | null;
    /** How far the PBX's clock is ahead of the agent's, ms; 0 when close. */
    clock_ahead_ms: number;
    problem: string | null;
  };
  server: {
    url: string;
    state: LinkState["state"];
    since: number;
    last_ack_at: number | null;
    problem: string | null;
  };
  outbox: {
    path: string;
    stream: string;
    highest_seq: number;
    waiting: number;
    oldest_waiting_at: number | null;
    drain_seconds: number | null;
    used_bytes: number;
    set_aside: number;
    unwritten: number;
    lost: number;
    problem: string | null;
  };
}

export interface StatusParts {
  version: string;
  startedAt: number;
  nowMs: number;
  amiAddress: string;
  ami: AmiState;
  clockAheadMs: number;
  url: string;
  link: LinkState;
  path: string;
  outbox: OutboxState;
  lostBefore: number;
  drainSeconds: number | null;
}

export function statusOf(parts: StatusParts): AgentStatus {
  const { ami, link, outbox } = parts;
  return {
    running: true,
    version: parts.version,
    pid: process.pid,
    started_at: parts.startedAt,
    now: parts.nowMs,
    rss_bytes: process.memoryUsage.rss(),
    ami: {
      address: parts.amiAddress,
      state: ami.state,
      since: ami.sinceMs,
      asterisk_version: ami.asteriskVersion ?? null,
      clock_ahead_ms: parts.clockAheadMs,
      problem: ami.problem ?? null,
    },
    server: {
      url: parts.url,
      state: link.state,
      since: link.sinceMs,
      last_ack_at: link.lastAckAt,
      problem: link.problem,
    },
    outbox: {
      path: parts.path,
      stream: outbox.stream,
      highest_seq: outbox.highest - outbox.base,
      waiting: outbox.waiting,
      oldest_waiting_at: outbox.oldestUnackedAt,
      drain_seconds: parts.drainSeconds,
      used_bytes: outbox.usedBytes,
      set_aside: outbox.setAside,
      unwritten: outbox.unwritten,
      lost: outbox.lost + parts.lostBefore,
      problem: outbox.problem,
    },
  };
}
