import { statSync } from "node:fs";
import type { AgentStatus } from "../../control/agent-status.ts";
import { askStatus } from "../../control/ask.ts";
import type { Settings } from "../../settings.ts";
import { sleep } from "../../sleep.ts";
import type { Level } from "../assess.ts";
import { checkAmi, checkFiles } from "./asterisk.ts";
import { CHECK_NAMES, fail, judge, pass, skip, warn, type Check } from "./checks.ts";
import { checkMachine } from "./machine.ts";
import { checkServer } from "./server.ts";

const OTHERS = 0o007;
const CONNECTING_MS_MAX = 5_000;
const LOOK_MS = 200;

/** All checks, in their order. Changes nothing, and runs beside the agent. */
export async function doctor(settings: Settings, configFile: string, root = ""): Promise<Check[]> {
  const status = await settledStatus(settings.outbox.path);
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

/** An agent that was just started is given the time to log in. */
async function settledStatus(outboxPath: string): Promise<AgentStatus | null> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const status = await askStatus(outboxPath);
    if (status?.ami.state !== "connecting" || waitedMs >= CONNECTING_MS_MAX) return status;
    await sleep(LOOK_MS);
  }
}

/** That doctor may log in does not say that the agent could. */
function checkHearing(status: AgentStatus | null): Check {
  if (status === null) return skip("hearing", "nobody answers on its socket");
  const { state, address, problem } = status.ami;
  return judge("hearing", state === "connected", state === "connected" ? address : (problem ?? address), "fail");
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
