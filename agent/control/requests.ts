import type { CheckedRows, OutboxLook } from "../outbox/look.ts";
import type { AgentStatus } from "./agent-status.ts";
import type { Watch } from "./watch.ts";

/** What may be asked over the socket: one line of JSON. `tail` and `tail_calls` are answered by line after line. */
export type Request =
  | { ask: "status" }
  | { ask: "calls"; count: number }
  | { ask: "gaps" }
  | { ask: "outbox" }
  | { ask: "check"; from: number }
  | { ask: "tail" }
  | { ask: "tail_calls" };

export interface Answerer {
  status(): AgentStatus;
  watch: Watch;
  look(): Promise<OutboxLook | null>;
  check(from: number): Promise<CheckedRows | null>;
}

/** Lines go to `say`; resolves with the last one, or with a way to stop when there is no last one. */
export async function answerTo(
  text: string,
  agent: Answerer,
  say: (value: unknown) => void,
): Promise<(() => void) | null> {
  const request = parse(text);
  switch (request.ask) {
    case "calls":
      say(agent.watch.calls.last(Math.max(0, Number(request.count) || 0)));
      return null;
    case "gaps":
      say(agent.watch.blind.periods);
      return null;
    case "outbox":
      say(await agent.look());
      return null;
    case "check":
      say(await agent.check(Math.max(0, Number(request.from) || 0)));
      return null;
    case "tail":
      return agent.watch.onEvent(say);
    case "tail_calls":
      return agent.watch.calls.onChange(say);
    default:
      say(agent.status());
      return null;
  }
}

function parse(text: string): Request {
  try {
    return JSON.parse(text) as Request;
  } catch {
    return { ask: "status" };
  }
}
