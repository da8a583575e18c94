import Table from "cli-table3";
import { startLoadAgent } from "../load-agent.ts";
import { loadRun, type LoadRun } from "../load.ts";
import type { Pbx } from "../pbx.ts";
import { say, upAll } from "./lifecycle.ts";
import type { CommonOptions } from "./options.ts";

/** Calls a second, until one is not carried. */
const RATES = [10, 25, 50, 75, 100, 150, 200];

/** A rate without the agent, with it, and with it beside a second listener that counts what AMI sent. */
interface RateResult {
  without: LoadRun;
  alone: LoadRun;
  counted: LoadRun;
}

export async function loadCommand({ releases, json }: CommonOptions, seconds: number): Promise<void> {
  const results: RateResult[] = [];
  for (const release of releases) {
    const [pbx] = await upAll([release]);
    if (pbx !== undefined) results.push(...(await climb(pbx, seconds)));
  }
  console.log(json ? JSON.stringify(results) : tableOf(results));
}

async function climb(pbx: Pbx, seconds: number): Promise<RateResult[]> {
  const results: RateResult[] = [];
  for (const perSecond of RATES) {
    say(`Asterisk ${pbx.release}: ${perSecond} calls a second for ${seconds} s, three times`);
    const result = await atRate(pbx, perSecond, seconds);
    results.push(result);
    if (!(result.without.allAnswered && result.alone.allAnswered)) break;
  }
  return results;
}

async function atRate(pbx: Pbx, perSecond: number, seconds: number): Promise<RateResult> {
  const without = await loadRun(pbx, perSecond, seconds, null, false);
  const agent = await startLoadAgent(pbx);
  try {
    const alone = await loadRun(pbx, perSecond, seconds, agent, false);
    const counted = await loadRun(pbx, perSecond, seconds, agent, true);
    return { without, alone, counted };
  } finally {
    await agent.close();
  }
}

function tableOf(results: readonly RateResult[]): string {
  const table = new Table({
    head: [
      "Asterisk",
      "calls/s",
      "all answered",
      "Asterisk CPU ms a call",
      "with agent",
      "agent CPU ms a call",
      "agent RSS",
      "events/s",
      "events sent",
      "lost by agent",
      "CDR, CEL rows lost by Asterisk",
    ],
    style: { head: [], border: [] },
  });
  for (const { without, alone, counted } of results) {
    const { sent = null, events = 0 } = counted.agent ?? {};
    table.push([
      without.asterisk,
      without.perSecond,
      without.allAnswered && alone.allAnswered ? "yes" : "no",
      without.asteriskCpuMsPerCall,
      alone.asteriskCpuMsPerCall,
      alone.agent?.cpuMsPerCall ?? 0,
      `${alone.agent?.rssMb} MB`,
      alone.agent?.eventsPerSecond ?? 0,
      sent ?? 0,
      (sent ?? 0) - events,
      `${without.recordsLostByAsterisk}, ${alone.recordsLostByAsterisk}, ${counted.recordsLostByAsterisk}`,
    ]);
  }
  return table.toString();
}
