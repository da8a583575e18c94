import type { AgentStatus } from "../control/status.ts";

export type Level = "ok" | "warning" | "critical";

/** Waiting events younger than this are on their way, not late. */
const WAITING_MS_NORMAL = 60_000;

/** How bad it is. Critical: calls are not recorded, or will not be without a person. Warning: something heals or lags. */
export function assess({ ami, server, outbox, now }: AgentStatus): Level {
  if (ami.state === "refused" || server.state === "refused" || outbox.problem !== null) return "critical";
  const late = outbox.oldest_waiting_at !== null && now - outbox.oldest_waiting_at > WAITING_MS_NORMAL;
  const troubled = ami.state !== "connected" || ami.problem !== null || server.state !== "ok";
  return troubled || late || outbox.set_aside > 0 || outbox.lost > 0 ? "warning" : "ok";
}
