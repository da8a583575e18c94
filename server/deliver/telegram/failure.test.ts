import { GrammyError, HttpError } from "grammy";
import { describe, expect, it } from "vitest";
import { readFailure } from "./failure.ts";

const answer = (error_code: number, description: string, parameters = {}) =>
  new GrammyError("Call failed!", { ok: false, error_code, description, parameters }, "sendMessage", {});

describe("what the Bot API's answers mean", () => {
  it.each<[unknown, object]>([
    [answer(429, "Too Many Requests: retry after 7", { retry_after: 7 }), { kind: "throttled", retryAfterMs: 7_000 }],
    [answer(429, "Too Many Requests"), { kind: "throttled", retryAfterMs: 5_000 }],
    [answer(500, "Internal Server Error"), { kind: "away", error: "500 Internal Server Error" }],
    [answer(502, "Bad Gateway"), { kind: "away", mayBeThere: false }],
    [answer(504, "Gateway Timeout"), { kind: "away", mayBeThere: true }],
    [
      new HttpError("failed", new Error("Request to 'sendMessage' timed out after 10 seconds")),
      { kind: "away", mayBeThere: true },
    ],
    [answer(401, "Unauthorized"), { kind: "unauthorized" }],
    [answer(404, "Not Found"), { kind: "unauthorized" }],
    [answer(403, "Forbidden: bot was blocked by the user"), { kind: "refused" }],
    [answer(403, "Forbidden: bot was kicked from the supergroup chat"), { kind: "refused" }],
    [answer(400, "Bad Request: chat not found"), { kind: "refused" }],
    [answer(400, "Bad Request: not enough rights to send text messages to the chat"), { kind: "refused" }],
    [answer(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), { kind: "refused" }],
    [
      answer(400, "Bad Request: group chat was upgraded to a supergroup chat", { migrate_to_chat_id: -100777 }),
      { kind: "moved", chat: "-100777" },
    ],
    [answer(400, "Bad Request: message thread not found"), { kind: "no_topic" }],
    [answer(400, "Bad Request: TOPIC_CLOSED"), { kind: "no_topic" }],
    [answer(400, "Bad Request: message is not modified: specified new message content ..."), { kind: "unchanged" }],
    [answer(400, "Bad Request: message to edit not found"), { kind: "gone" }],
    [answer(400, "Bad Request: message can't be edited"), { kind: "gone" }],
    [answer(400, "Bad Request: can't parse entities"), { kind: "bad" }],
    [
      new HttpError("Network request failed!", new Error("connect ECONNREFUSED")),
      { kind: "away", error: "connect ECONNREFUSED", mayBeThere: false },
    ],
    [
      new HttpError(
        "failed",
        new Error("request to http://h/bot123456:secret-secret/getMe failed, reason: socket hang up"),
      ),
      { kind: "away", error: "socket hang up" },
    ],
    [
      new Error("cannot reach http://h/bot123456:secret-secret/getMe"),
      { error: "cannot reach http://h/bot[token]/getMe" },
    ],
    [new Error("whatever"), { kind: "away" }],
  ])("%s", (error, meaning) => expect(readFailure(error)).toMatchObject(meaning));
});
