import type { FastifyInstance } from "fastify";
import type { Pool } from "pg";
import type { Logger } from "../../shared/log.ts";
import { INGEST_PATH } from "../../shared/wire.ts";
import type { Metrics } from "../metrics/counters.ts";
import { databaseGauges } from "../metrics/gauges.ts";

/** GET /metrics for Prometheus: what this process counted, and what the database says at this moment. */
export function metricsRoute(app: FastifyInstance, pool: Pool, log: Logger, { registry, request }: Metrics): void {
  const refresh = databaseGauges(registry, pool, log);
  app.get("/metrics", async (_, reply) => {
    await refresh();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  app.addHook("onResponse", async ({ routeOptions }, reply) => {
    if (routeOptions.url === INGEST_PATH) request(reply.statusCode, reply.elapsedTime / 1000);
  });
  app.addHook("onClose", () => registry.clear());
}
