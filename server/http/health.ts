import type { FastifyInstance } from "fastify";
import type { Pool } from "pg";
import { messageOf } from "../../shared/errors.ts";
import { isMigrated } from "../store/isMigrated.ts";

/** `/healthz`: this process answers. `/readyz`: it can also store, i.e. the database is there and has this version's schema. */
export function healthRoutes(app: FastifyInstance, pool: Pool): void {
  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/readyz", async (_, reply) => {
    try {
      if (await isMigrated(pool)) return { status: "ready" };
      return await reply.code(503).send({ status: "not_ready", reason: "the database lacks this version's schema" });
    } catch (error) {
      return reply.code(503).send({ status: "not_ready", reason: `the database does not answer: ${messageOf(error)}` });
    }
  });
}
