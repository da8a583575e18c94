import type { AgentStatus } from "./agent-status.ts";
import type { TroubleCode } from "./agent-status.ts";

export interface Trouble {
  code: TroubleCode;
  level: "warning" | "critical";
  /** Epoch ms; null when it is not known. */
  since: number | null;
  /** What the agent found, in English, as in the log. */
  detail: string | null;
}

/** Waiting events younger than this are on their way, not late. */
const WAITING_MS_NORMAL = 60_000;
const OUTBOX_SHARE_TOLD = 0.9;
const DISK_BYTES_LOW = 200 * 1024 * 1024;
const CLOCK_MS_TOLD = 5_000;

/** All that is wrong now. Critical: calls are not recorded, or will not be without a person. Warning: it heals, lags or lost. */
export function troublesOf(status: AgentStatus): Trouble[] {
  const all = [
    ...amiTroubles(status),
    ...serverTroubles(status),
    ...outboxTroubles(status),
    ...machineTroubles(status),
  ];
  return all.map((trouble) => ({ ...trouble, since: trouble.since ?? status.troubles_since[trouble.code] ?? null }));
}

/** Since when each trouble is there, as far as this run of the agent saw it. */
export class TroubleTimes {
  #since: Partial<Record<TroubleCode, number>> = {};

  /** To be called now and then; returns epoch ms by code. */
  see(status: AgentStatus): Partial<Record<TroubleCode, number>> {
    const codes = troublesOf(status).map(({ code }) => code);
    this.#since = Object.fromEntries(codes.map((code) => [code, this.#since[code] ?? status.now]));
    return this.#since;
  }
}

function amiTroubles({ ami }: AgentStatus): Trouble[] {
  const about = { since: ami.since, detail: ami.problem };
  if (ami.state === "refused") return [{ code: "ami_refused", level: "critical", ...about }];
  if (ami.state !== "connected") return [{ code: "ami_lost", level: "warning", ...about }];
  return ami.problem === null ? [] : [{ code: "ami_rights", level: "warning", ...about }];
}

function serverTroubles({ server }: AgentStatus): Trouble[] {
  const about = { since: server.since, detail: server.problem };
  if (server.state === "refused") return [{ code: "server_refused", level: "critical", ...about }];
  return server.state === "ok" ? [] : [{ code: "server_unreachable", level: "warning", ...about }];
}

function outboxTroubles({ outbox, now }: AgentStatus): Trouble[] {
  const oldest = outbox.oldest_waiting_at;
  const all: (Trouble | false)[] = [
    outbox.problem !== null && { code: "outbox_storage", level: "critical", since: null, detail: outbox.problem },
    oldest !== null &&
      now - oldest > WAITING_MS_NORMAL && { code: "outbox_late", level: "warning", since: oldest, detail: null },
    outbox.used_bytes > outbox.max_bytes * OUTBOX_SHARE_TOLD && {
      code: "outbox_full",
      level: "warning",
      since: null,
      detail: `${Math.round((outbox.used_bytes / outbox.max_bytes) * 100)} % of its bound`,
    },
    outbox.lost > 0 && { code: "outbox_lost", level: "warning", since: null, detail: `${outbox.lost} events lost` },
    outbox.set_aside > 0 && {
      code: "outbox_set_aside",
      level: "warning",
      since: null,
      detail: `${outbox.set_aside} events set aside`,
    },
  ];
  return all.filter((trouble) => trouble !== false);
}

function machineTroubles({ disk, ami, server }: AgentStatus): Trouble[] {
  const far = (ms: number | null) => ms !== null && Math.abs(ms) >= CLOCK_MS_TOLD;
  const seconds = (ms: number | null) => `${Math.round((ms ?? 0) / 1000)} s ahead`;
  const low = disk.free_bytes !== null && disk.free_bytes < DISK_BYTES_LOW;
  const all: (Trouble | false)[] = [
    low && {
      code: "disk_low",
      level: "warning",
      since: null,
      detail: `${Math.round((disk.free_bytes ?? 0) / 1024 / 1024)} MB free`,
    },
    far(ami.clock_ahead_ms) && {
      code: "clock_pbx",
      level: "warning",
      since: null,
      detail: seconds(ami.clock_ahead_ms),
    },
    far(server.clock_ahead_ms) && {
      code: "clock_server",
      level: "warning",
      since: null,
      detail: seconds(server.clock_ahead_ms),
    },
  ];
  return all.filter((trouble) => trouble !== false);
}
