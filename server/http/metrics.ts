import type { FastifyInstance } from "fastify";
import type { Pool } from "pg";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { countDeliveries } from "../store/listDeliveries.ts";
import { readStatus } from "../store/readStatus.ts";

/** GET /metrics for Prometheus: what the database says at this moment, so that every server tells the same, and this process. */
export function metricsRoute(app: FastifyInstance, pool: Pool): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const refresh = gauges(registry, pool);
  app.get("/metrics", async (_, reply) => {
    await refresh();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  app.addHook("onClose", () => registry.clear());
}

function gauges(registry: Registry, pool: Pool): () => Promise<void> {
  const registers = [registry];
  const labelNames = ["channel", "state"];
  const deliveries = new Gauge({ name: "ringpost_deliveries", help: "deliveries by state", labelNames, registers });
  const oldest = new Gauge({
    name: "ringpost_delivery_oldest_waiting_seconds",
    help: "age of the oldest waiting delivery",
    labelNames: ["channel"],
    registers,
  });
  const site = (name: string, help: string) =>
    new Gauge({ name: `ringpost_site_${name}`, help, labelNames: ["site", "enterprise"], registers });
  const waiting = site("waiting_events", "events the agent holds that are not acked");
  const missing = site("missing_events", "holes below the newest event that came");
  const running = site("running_calls", "calls that run now");
  const seen = site("last_seen_timestamp_seconds", "when the agent was last heard");
  return async () => {
    for (const gauge of [deliveries, oldest, waiting, missing, running, seen]) gauge.reset();
    for (const { channel, state, count, oldestSeconds } of await countDeliveries(pool)) {
      deliveries.set({ channel, state }, count);
      if (state === "waiting") oldest.set({ channel }, oldestSeconds);
    }
    for (const one of await readStatus(pool)) {
      const labels = { site: String(one.site), enterprise: one.enterprise_id };
      waiting.set(labels, one.backlog.waiting);
      missing.set(labels, one.backlog.missing);
      running.set(labels, one.calls_running);
      if (one.last_seen !== null) seen.set(labels, one.last_seen.getTime() / 1000);
    }
  };
}
