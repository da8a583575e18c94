import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addressOf } from "../office.ts";
import type { Pbx } from "../pbx.ts";
import type { Leg } from "./leg.ts";
import { scenarioXml } from "./xml.ts";

/** A SIPp process that plays one leg. */
export interface RunningLeg {
  leg: Leg;
  /** `places-trunk-a-1` */
  tag: string;
  messages: string;
  ended: boolean;
  exit: Promise<number | "killed">;
  stop(): Promise<void>;
}

const KILL_AFTER_MS = 2_000;

/**
 * Starts SIPp for one leg; what it sends and receives is written to a message file in `folder`.
 * (unless not `traced`: under load the file costs more than the call). A leg that answers listens on the office's phone port, one that places calls on a port of its own.
 */
export async function startLeg(pbx: Pbx, leg: Leg, nth: number, folder: string, traced = true): Promise<RunningLeg> {
  const tag = `${leg.role}-${leg.who}-${nth}`;
  const scenario = join(folder, `${tag}.xml`);
  const messages = join(folder, `${tag}.messages`);
  await writeFile(scenario, scenarioXml(leg));
  const trace = traced ? ["-trace_msg", "-message_file", messages] : [];
  const args = [...common(pbx, leg, scenario), ...trace, ...(await particular(pbx, leg, join(folder, `${tag}.csv`)))];
  const child = spawn("sipp", args, { cwd: folder, stdio: "ignore", env: { ...process.env, TERM: "xterm" } });
  const running: RunningLeg = { leg, tag, messages, ended: false, exit: exitOf(child), stop: () => stop(child) };
  void running.exit.then(() => (running.ended = true));
  return running;
}

function common(pbx: Pbx, leg: Leg, scenario: string): string[] {
  const address = addressOf(pbx.release, leg.who);
  const sound = ["-i", address, "-mi", address, "-ci", "127.0.0.1", "-cp", "0"];
  return ["-sf", scenario, ...sound, "-nostdin", "-aa", "-skip_rlimit", `127.0.0.1:${pbx.state.ports.sip}`];
}

async function particular(pbx: Pbx, leg: Leg, injection: string): Promise<string[]> {
  if (leg.role === "answers") return ["-p", String(pbx.state.ports.phone)];
  if (leg.load === null) return ["-m", "1", "-r", "50"];
  const { lines, perSecond, atOnceMax } = leg.load;
  await writeFile(injection, ["SEQUENTIAL", ...lines, ""].join("\n"));
  return ["-inf", injection, "-m", String(lines.length), "-r", String(perSecond), "-l", String(atOnceMax)];
}

async function exitOf(child: ChildProcess): Promise<number | "killed"> {
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? "killed";
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await exit;
  clearTimeout(timer);
}
