import { WIRE_VERSION } from "../../shared/wire-constants.ts";
import type { Answer } from "./post.ts";

/**
 * What to do after a request that was not acked. `retry`: the same again soon. `wait`: nothing helps until a person
 * acts, so try seldom and tell. `split`: the batch goes again in parts. `set_aside`: this one event is what is refused.
 */
export type Verdict =
  | { act: "retry"; problem: string; retryAfterMs: number }
  | { act: "wait"; problem: string }
  | { act: "split"; seq: number | null; tooLarge: boolean }
  | { act: "set_aside"; reason: string };

type NotAcked = Exclude<Answer, { kind: "reply" }>;

/** @param count events in the batch that was answered; 0 for a heartbeat. */
export function judge(answer: NotAcked, count: number, url: string): Verdict {
  if (answer.kind === "failed") {
    const problem = `the server ${url} cannot be reached: ${answer.reason}. Events are kept; the agent keeps trying`;
    return { act: "retry", problem, retryAfterMs: 0 };
  }
  const { status, problem, retryAfterMs } = answer;
  const said = problem === null ? `HTTP ${status}` : `HTTP ${status}: ${problem.message}`;
  if (status === 413 && count > 1) return { act: "split", seq: null, tooLarge: true };
  if (status === 413 && count === 1) return { act: "set_aside", reason: said };
  // Only our own server's word about an event's line counts: a proxy's 422 must not cost an event.
  const aboutEvent = status === 422 && problem !== null && (problem.seq !== undefined || (problem.line ?? 1) > 1);
  if (aboutEvent && count > 1) return { act: "split", seq: problem.seq ?? null, tooLarge: false };
  if (aboutEvent && count === 1) return { act: "set_aside", reason: said };
  if (status === 429 || status >= 500) {
    return {
      act: "retry",
      problem: `the server ${url} is busy or broken (${said}). Events are kept; the agent keeps trying`,
      retryAfterMs,
    };
  }
  return { act: "wait", problem: explain(status, said, url) };
}

function explain(status: number, said: string, url: string): string {
  if (status === 401 || status === 403) {
    return `the server ${url} refuses the site key (${said}). Events are kept. Put the key that "site add" printed into [server] key, or ask whether the site was revoked`;
  }
  if (status === 426) {
    return `the server ${url} does not speak version ${WIRE_VERSION} of the protocol (${said}). Events are kept. Update whichever of agent and server is older`;
  }
  return `what answers at ${url} is not a Ringpost server (${said}). Events are kept. Check [server] url and any proxy on the way`;
}
