import { GrammyError, HttpError } from "grammy";
import { messageOf } from "../../../shared/errors.ts";

/** What became of a request to the Bot API, and what is to follow. */
export type Failure =
  /** Too many requests: this chat is left alone for so long. */
  | { kind: "throttled"; error: string; retryAfterMs: number }
  /** No answer, or a server that cannot serve: to be tried again. `mayBeThere`: Telegram may have taken it all the same. */
  | { kind: "away"; error: string; mayBeThere: boolean }
  /** The token is not (or no longer) one: nothing can be sent until it is set anew. */
  | { kind: "unauthorized"; error: string }
  /** The chat wants nothing from this bot, or is none: no more until somebody changes that. */
  | { kind: "refused"; error: string }
  /** The group became a supergroup with this id. */
  | { kind: "moved"; error: string; chat: string }
  /** The topic is closed or gone. */
  | { kind: "no_topic"; error: string }
  /** The message is as it should be already. */
  | { kind: "unchanged" }
  /** The message can no longer be changed: somebody deleted it. */
  | { kind: "gone"; error: string }
  /** This message cannot be sent, others can. */
  | { kind: "bad"; error: string };

const RETRY_AFTER_SECONDS = 5;
const GATEWAY_TIMEOUT = 504;
/** No connection was made. */
const NOT_REACHED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;

/** Answers (HTTP 400 and 403) whose description tells them apart. */
const DESCRIBED: readonly [RegExp, "refused" | "no_topic" | "gone"][] = [
  [/message thread not found|TOPIC_(CLOSED|DELETED)|topic (is )?closed/i, "no_topic"],
  [/message to edit not found|message can't be edited|MESSAGE_ID_INVALID/i, "gone"],
  [
    /chat not found|chat_id is empty|PEER_ID_INVALID|not enough rights|have no rights|need administrator rights/i,
    "refused",
  ],
  [/CHAT_(WRITE_FORBIDDEN|RESTRICTED|SEND_PLAIN_FORBIDDEN|ADMIN_REQUIRED)|group chat was deactivated/i, "refused"],
];

/** Tells what an error of grammY means. Whatever is not known is taken for a passing one. */
export function readFailure(error: unknown): Failure {
  if (error instanceof GrammyError) return readAnswer(error);
  const cause = error instanceof HttpError ? error.error : error;
  return { kind: "away", error: withoutToken(messageOf(cause)), mayBeThere: !NOT_REACHED.test(messageOf(cause)) };
}

/** What the network says has the address in it, and with it the token: only the reason is kept. */
function withoutToken(message: string): string {
  const reason = /, reason: (.+)$/s.exec(message)?.[1] ?? message;
  return reason.replace(/\d{3,}:[A-Za-z0-9_-]{10,}/g, "[token]").trim() || "no answer";
}

function readAnswer({ error_code: code, description, parameters }: GrammyError): Failure {
  const error = `${code} ${description}`;
  if (parameters.migrate_to_chat_id !== undefined) {
    return { kind: "moved", error, chat: String(parameters.migrate_to_chat_id) };
  }
  if (code === 429) {
    return { kind: "throttled", error, retryAfterMs: (parameters.retry_after ?? RETRY_AFTER_SECONDS) * 1000 };
  }
  if (code === 401 || code === 404) return { kind: "unauthorized", error };
  if (code >= 500) return { kind: "away", error, mayBeThere: code === GATEWAY_TIMEOUT };
  if (/message is not modified/i.test(description)) return { kind: "unchanged" };
  const described = DESCRIBED.find(([pattern]) => pattern.test(description))?.[1];
  if (described !== undefined) return { kind: described, error };
  return code === 403 ? { kind: "refused", error } : { kind: "bad", error };
}
