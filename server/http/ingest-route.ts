import type { FastifyInstance } from "fastify";
import type { Readable } from "node:stream";
import { INGEST_PATH } from "../../shared/wire.ts";
import type { Intake } from "../ingest/intake.ts";
import { INGEST_LIMITS } from "../ingest/limits.ts";
import { readPacked } from "../ingest/read-body.ts";
import { busy } from "../ingest/refusal.ts";
import type { Sites } from "../ingest/sites.ts";

/** POST /v1/ingest. The key is checked before the body is read; the body is bounded before it is unpacked. */
export function ingestRoute(app: FastifyInstance, sites: Sites, intake: Intake): void {
  let requests = 0;
  app.post(INGEST_PATH, async (request) => {
    if (requests >= INGEST_LIMITS.requestsMax) {
      throw busy("too many requests are under way: send again", INGEST_LIMITS.retryAfterSeconds);
    }
    requests++;
    try {
      const site = await sites.authenticate(request.headers.authorization);
      const packed = await readPacked(request.body as Readable, request.headers["content-length"]);
      return await intake.accept(site, packed, request.headers["content-encoding"]);
    } finally {
      requests--;
    }
  });
}
