import { statSync } from "node:fs";
import type { AgentStatus } from "../../control/agent-status.ts";
import { askStatusUntil } from "../../control/ask.ts";
import type { Settings } from "../../settings.ts";
import type { Level } from "../assess.ts";
import { checkAmi, checkFiles } from "./asterisk.ts";
import { CHECK_NAMES, fail, pass, skip, warn, type Check } from "./checks.ts";
import { checkMachine } from "./machine.ts";
import { checkServer } from "./server.ts";

const OTHERS = 0o007;
/** An agent that was just started is given the time to log in. */
const CONNECTING_MS_MAX = 5_000;

/** All checks, in their order. Changes nothing, and runs beside the agent. */
export async function doctor(settings: Settings, configFile: string, root = ""): Promise<Check[]> {
  const isSettled = (status: AgentStatus | null): boolean => status?.ami.state !== "connecting";
  const status = await askStatusUntil(settings.outbox.path, isSettled, CONNECTING_MS_MAX);
  const running =
    status === null
      ? fail("running", "nobody answers on its socket")
      : pass("running", `${status.version}, process ${status.pid}`);
  const groups = await Promise.all([
    checkAmi(settings, root, status?.ami ?? null),
    checkServer(settings),
    checkMachine(settings.outbox.path, root),
  ]);
  const all = [
    checkConfig(configFile),
    running,
    checkHearing(status),
    ...checkFiles(settings, root, status?.repair ?? null),
    ...groups.flat(),
  ];
  return all.toSorted((a, b) => CHECK_NAMES.indexOf(a.name) - CHECK_NAMES.indexOf(b.name));
}

/** That doctor may log in does not say that the agent could. */
function checkHearing(status: AgentStatus | null): Check {
  if (status === null) return skip("hearing", "nobody answers on its socket");
  const { state, address, problem } = status.ami;
  return state === "connected" ? pass("hearing", address) : fail("hearing", problem ?? address);
}

/** The settings hold the site key and AMI's secret; what comes from the environment has no file. */
function checkConfig(file: string): Check {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & OTHERS) === 0 ? pass("config", file) : warn("config", `${file} is open to every user`);
}

export function levelOf(checks: readonly Check[]): Level {
  if (checks.some(({ result }) => result === "fail")) return "critical";
  return checks.some(({ result }) => result === "warn") ? "warning" : "ok";
}
