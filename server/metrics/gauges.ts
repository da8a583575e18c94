import type { Pool } from "pg";
import { Gauge, type Registry } from "prom-client";
import { messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import { countDeliveries } from "../store/listDeliveries.ts";
import { countUnrepairedGaps } from "../store/countGaps.ts";
import { readStatus, type SiteStatus } from "../store/readStatus.ts";
import { listChatProblems } from "../store/telegram/chatCircuit.ts";
import { listSyncRows } from "../store/syncRows.ts";

/**
 * Gauges of what the database says at this moment: every server tells the same, so take the maximum of them, not the sum.
 * Returns how to refresh them; without the database only `ringpost_database_up` is told.
 */
export function databaseGauges(registry: Registry, pool: Pool, log: Pick<Logger, "warn">): () => Promise<void> {
  const up = new Gauge({ name: "ringpost_database_up", help: "1: the database answers", registers: [registry] });
  const parts = [deliveryGauges(registry), siteGauges(registry), syncGauges(registry)];
  return async () => {
    try {
      for (const part of parts) await part(pool);
      up.set(1);
    } catch (error) {
      up.set(0);
      log.warn({ error: messageOf(error) }, "metrics of the database could not be read");
    }
  };
}

type Part = (pool: Pool) => Promise<void>;

function deliveryGauges(registry: Registry): Part {
  const gauge = gaugeIn(registry);
  const count = gauge("deliveries", "deliveries that wait or were given up", ["channel", "state"]);
  const oldest = gauge("delivery_oldest_waiting_seconds", "age of the oldest waiting delivery", ["channel"]);
  const chats = gauge("telegram_chat_problem", "1: nothing goes to the chat; 0: it goes, but not as it should", [
    "enterprise",
    "chat",
  ]);
  return async (pool) => {
    const counts = await countDeliveries(pool);
    const problems = await listChatProblems(pool);
    chats.reset();
    for (const { enterprise_id: enterprise, target: chat, refused } of problems) {
      chats.set({ enterprise, chat }, refused ? 1 : 0);
    }
    count.reset();
    oldest.reset();
    for (const { channel, state, count: number, oldestSeconds } of counts) {
      count.set({ channel, state }, number);
      if (state === "waiting") oldest.set({ channel }, oldestSeconds);
    }
  };
}

function siteGauges(registry: Registry): Part {
  const gauge = gaugeIn(registry);
  const labels = ["site", "enterprise"];
  const gauges: [Gauge, (site: SiteStatus) => number | null][] = [
    [
      gauge("site_waiting_events", "events the agent holds that are not acked", labels),
      ({ backlog }) => backlog.waiting,
    ],
    [gauge("site_missing_events", "holes below the newest event that came", labels), ({ backlog }) => backlog.missing],
    [gauge("site_running_calls", "calls that run now", labels), (site) => site.calls_running],
    [
      gauge("site_last_seen_timestamp_seconds", "when the agent was last heard", labels),
      ({ last_seen }) => (last_seen === null ? null : last_seen.getTime() / 1000),
    ],
    [
      gauge("site_ami_connected", "1: the agent is logged in to Asterisk", labels),
      ({ ami }) => (ami === "connected" ? 1 : 0),
    ],
    [gauge("site_outbox_bytes", "size of the agent's outbox", labels), (site) => site.outbox_bytes],
    [
      gauge("site_clock_skew_seconds", "the agent's clock minus the server's", labels),
      ({ clock_skew_ms }) => (clock_skew_ms === null ? null : clock_skew_ms / 1000),
    ],
  ];
  const gaps = gauge("site_unrepaired_gaps", "times the site was blind that nothing has filled", [...labels, "cause"]);
  return async (pool) => {
    const [sites, unrepaired] = [await readStatus(pool), await countUnrepairedGaps(pool)];
    for (const [one] of gauges) one.reset();
    gaps.reset();
    for (const site of sites) {
      for (const [one, read] of gauges) {
        const value = read(site);
        if (value !== null) one.set({ site: site.site, enterprise: site.enterprise_id }, value);
      }
    }
    for (const { site, enterprise, cause, count } of unrepaired) gaps.set({ site, enterprise, cause }, count);
  };
}

function syncGauges(registry: Registry): Part {
  const gauge = gaugeIn(registry);
  const labels = ["enterprise", "host"];
  const failed = gauge("sync_failed_events", "download_sync.failed_events_count: events known to be missing", labels);
  const rising = gauge("sync_failed_rising", "1: more events were missing at the last check than before", labels);
  const downloaded = gauge("sync_downloaded_events", "download_sync.total_downloaded_events", labels);
  return async (pool) => {
    const rows = await listSyncRows(pool);
    failed.reset();
    rising.reset();
    downloaded.reset();
    for (const row of rows) {
      const of = { enterprise: row.enterprise_id, host: row.asterisk_host };
      failed.set(of, row.failed_events_count);
      rising.set(of, row.failed_rising ? 1 : 0);
      downloaded.set(of, row.total_downloaded_events);
    }
  };
}

function gaugeIn(registry: Registry): (name: string, help: string, labelNames: string[]) => Gauge {
  return (name, help, labelNames) => new Gauge({ name: `ringpost_${name}`, help, labelNames, registers: [registry] });
}
