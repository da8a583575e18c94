import Fastify, { type FastifyInstance } from "fastify";
import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import { type Assembler, assembler as realAssembler } from "../ingest/assembler.ts";
import { Downloads } from "../ingest/downloads.ts";
import { Intake } from "../ingest/intake.ts";
import { Refusal } from "../ingest/refusal.ts";
import { Sites } from "../ingest/sites.ts";
import { Writer } from "../ingest/writer.ts";
import { type Metrics, openMetrics } from "../metrics/counters.ts";
import { enrolRoutes } from "./enrol.ts";
import { healthRoutes } from "./health.ts";
import { ingestRoute } from "./ingest-route.ts";
import { metricsRoute } from "./metrics.ts";

export interface AppOptions {
  pool: Pool;
  log: Logger;
  now?: () => number;
  random?: () => number;
  assembler?: Assembler;
  metrics?: Metrics;
}

/** The HTTP side of the server on a migrated database; not yet listening. Closing it waits until all that was accepted is written. */
export function buildApp(options: AppOptions): FastifyInstance {
  const { pool, log, now = Date.now, random = Math.random, assembler = realAssembler } = options;
  const { metrics = openMetrics() } = options;
  const app = Fastify({ forceCloseConnections: "idle" });
  const sites = new Sites(pool, log, now);
  const streamVanished = (): void => sites.forgetStreams();
  const writer = new Writer({ pool, assembler, log, now, random, streamVanished, counts: metrics.ingest });
  const downloads = new Downloads(pool, log, now);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_, payload, done) => done(null, payload));
  app.setErrorHandler((error, _, reply) => {
    if (error instanceof Refusal) {
      if (error.retryAfterSeconds !== undefined) void reply.header("retry-after", String(error.retryAfterSeconds));
      return reply.code(error.status).send(error.problem);
    }
    const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
    if (status < 500) return reply.code(status).send({ error: "refused", message: messageOf(error) });
    log.error({ err: error }, "a request failed");
    const message = "the server cannot store now (is its database away?): send again";
    return reply.code(503).header("retry-after", "1").send({ error: "unavailable", message });
  });
  healthRoutes(app, pool);
  metricsRoute(app, pool, log, metrics);
  enrolRoutes(app, pool, now);
  ingestRoute(app, sites, new Intake({ pool, sites, writer, downloads, log, now }));
  endConnectionsOnClose(app);
  app.addHook("onClose", () => writer.idle());
  return app;
}

/** An answer given while the server stops ends its connection: kept open it would hold up the stop for more than a minute. */
function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook("preClose", (done) => {
    closing = true;
    done();
  });
  app.addHook("onSend", (_, reply, payload, done) => {
    if (closing) void reply.header("connection", "close");
    done(null, payload);
  });
}
