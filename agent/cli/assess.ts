import type { AgentStatus } from "../control/agent-status.ts";
import { troublesOf } from "../control/troubles.ts";

export type Level = "ok" | "warning" | "critical";

/** As bad as the worst of its troubles. */
export function assess(status: AgentStatus): Level {
  return worst(troublesOf(status).map(({ level }) => level));
}

export function worst(levels: readonly Level[]): Level {
  if (levels.includes("critical")) return "critical";
  return levels.includes("warning") ? "warning" : "ok";
}
