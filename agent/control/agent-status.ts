import type { AmiState } from "../ami/session.ts";
import type { LinkState } from "../forward/link.ts";
import type { RepairStatus } from "../recover/repair.ts";
import type { BlindPeriod } from "./blind.ts";

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
    /** Over the last minute. */
    events_per_second: number;
    problem: string | null;
  };
  server: {
    url: string;
    state: LinkState["state"];
    since: number;
    last_ack_at: number | null;
    /** How long the last answer took, ms. */
    latency_ms: number | null;
    /** How far the server's clock is ahead of this machine's, ms. */
    clock_ahead_ms: number | null;
    problem: string | null;
  };
  calls: { today: number; running: number };
  /** Within the last 24 h, newest last. */
  blind: BlindPeriod[];
  /** What is read from Asterisk's own CDR and CEL files. */
  repair: RepairStatus;
  disk: { free_bytes: number | null };
  outbox: {
    path: string;
    stream: string;
    highest_seq: number;
    waiting: number;
    oldest_waiting_at: number | null;
    drain_seconds: number | null;
    used_bytes: number;
    max_bytes: number;
    set_aside: number;
    unwritten: number;
    lost: number;
    problem: string | null;
  };
  /** Since when each trouble is there, by its code (troubles.ts), as far as this run saw it. */
  troubles_since: Partial<Record<TroubleCode, number>>;
}

export const TROUBLE_CODES = [
  "ami_refused",
  "ami_lost",
  "ami_rights",
  "server_refused",
  "server_unreachable",
  "outbox_storage",
  "outbox_late",
  "outbox_full",
  "outbox_lost",
  "outbox_set_aside",
  "disk_low",
  "clock_pbx",
  "clock_server",
] as const;

export type TroubleCode = (typeof TROUBLE_CODES)[number];
