import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { scrub } from "../../shared/log.ts";
import type { AmiState } from "../ami/session.ts";
import type { LinkState } from "../forward/link.ts";
import type { OutboxState } from "../outbox/protocol.ts";
import type { RepairStatus } from "../recover/repair.ts";
import { localDay } from "./calls.ts";
import type { Watch } from "./watch.ts";
import type { AgentStatus } from "./agent-status.ts";

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
  outboxBytesMax: number;
  watch: Watch;
  monoMs: number;
  repair: RepairStatus;
}

const DAY_MS = 86_400_000;

export function statusOf(parts: StatusParts): AgentStatus {
  const { ami, link, outbox } = parts;
  const status: AgentStatus = {
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
      events_per_second: parts.watch.rate.perSecond(parts.monoMs),
      problem: ami.problem ?? null,
    },
    server: {
      url: parts.url,
      state: link.state,
      since: link.sinceMs,
      last_ack_at: link.lastAckAt,
      latency_ms: link.latencyMs,
      clock_ahead_ms: link.clockAheadMs,
      // A server or a proxy may quote what it was sent, the key too.
      problem: link.problem === null ? null : scrub(link.problem),
    },
    calls: { today: callsToday(parts), running: parts.watch.calls.running },
    blind: parts.watch.blind.periods.filter(({ to }) => to > parts.nowMs - DAY_MS),
    repair: parts.repair,
    disk: { free_bytes: freeBytes(parts.path) },
    outbox: {
      path: parts.path,
      stream: outbox.stream,
      highest_seq: outbox.highest - outbox.base,
      waiting: outbox.waiting,
      oldest_waiting_at: outbox.oldestUnackedAt,
      drain_seconds: parts.drainSeconds,
      used_bytes: outbox.usedBytes,
      max_bytes: parts.outboxBytesMax,
      set_aside: outbox.setAside,
      unwritten: outbox.unwritten,
      lost: outbox.lost + parts.lostBefore,
      problem: outbox.problem,
    },
    troubles_since: {},
  };
  return { ...status, troubles_since: parts.watch.troubles.see(status) };
}

function callsToday({ watch, nowMs }: StatusParts): number {
  const { day, count } = watch.calls.today;
  return day === localDay(nowMs) ? count : 0;
}

function freeBytes(outboxPath: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(dirname(outboxPath));
    return bavail * bsize;
  } catch {
    return null;
  }
}
