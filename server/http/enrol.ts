import type { FastifyInstance, FastifyReply } from "fastify";
import type { Pool } from "pg";
import { ENROL_PATH, KEY_PATH, type EnrolReply, type KeyReply } from "../../shared/enrol.ts";
import type { WireProblem } from "../../shared/wire.ts";
import { hashInviteCode } from "../ingest/invite-code.ts";
import { enrolSite } from "../store/enrolSite.ts";
import { renewSiteKey } from "../store/renewSiteKey.ts";

/** Codes and keys fit in far less. */
const BODY_BYTES_MAX = 4_096;
/** Wrong codes in a minute, from all addresses together: nobody guesses 79 bits, but nobody shall try at leisure either. */
const WRONG_CODES_PER_MINUTE_MAX = 30;
const MINUTE_MS = 60_000;

const REFUSALS = {
  unknown: "there is no such code: check it letter by letter, or make another with `server -- site invite`",
  used: "this code was used already: make another with `server -- site invite`",
  expired: "this code has expired: make another with `server -- site invite`",
};

/** POST /v1/enrol: a one-use code for a site key. POST /v1/key: a key that is being rotated out for its successor. */
export function enrolRoutes(app: FastifyInstance, pool: Pool, nowMs: () => number = Date.now): void {
  void app.register((scope, _, done) => {
    // The server around takes bodies as streams.
    scope.addContentTypeParser("application/json", { parseAs: "string" }, (_, text, parsed) =>
      parsed(null, parse(text)),
    );
    routes(scope, pool, new WrongCodes(nowMs));
    done();
  });
}

function parse(text: string | Buffer): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}

function routes(app: FastifyInstance, pool: Pool, wrong: WrongCodes): void {
  app.post<{ Body: { code?: unknown } | null }>(ENROL_PATH, { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    if (wrong.tooMany)
      return refuse(reply.header("retry-after", "60"), 429, "too_many", "too many wrong codes: wait a minute");
    const code = request.body?.code;
    const hash = typeof code === "string" ? hashInviteCode(code) : undefined;
    const enrolled = hash === undefined ? { refused: "unknown" as const } : await enrolSite(pool, hash);
    if (!("refused" in enrolled)) return reply.send(enrolled satisfies EnrolReply);
    wrong.count();
    return refuse(reply, 403, `code_${enrolled.refused}`, REFUSALS[enrolled.refused]);
  });
  app.post<{ Body: { look?: unknown } | null }>(KEY_PATH, { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const [, key = ""] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    const renewed = await renewSiteKey(pool, key, request.body?.look === true);
    if ("refused" in renewed) return refuse(reply, 401, "key_refused", "this site key is not known, or is revoked");
    return reply.send(renewed satisfies KeyReply);
  });
}

function refuse(reply: FastifyReply, status: number, error: string, message: string): FastifyReply {
  return reply.code(status).send({ error, message } satisfies WireProblem);
}

class WrongCodes {
  readonly #nowMs: () => number;
  #sinceMs = 0;
  #count = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get tooMany(): boolean {
    return this.#count >= WRONG_CODES_PER_MINUTE_MAX && this.#nowMs() - this.#sinceMs < MINUTE_MS;
  }

  count(): void {
    const now = this.#nowMs();
    if (now - this.#sinceMs >= MINUTE_MS) {
      this.#sinceMs = now;
      this.#count = 0;
    }
    this.#count++;
  }
}
