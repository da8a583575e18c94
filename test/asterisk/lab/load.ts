import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { agentStatus } from "../../support/processes.ts";
import { eventBlocks, tapAmi } from "./ami.ts";
import { delay } from "./command.ts";
import type { LoadAgent } from "./load-agent.ts";
import { did } from "./office.ts";
import { cli, type Pbx } from "./pbx.ts";
import { answers, BYE, outside, talk } from "./sip/leg.ts";
import { type RunningLeg, startLeg } from "./sip/run.ts";
import { cpuMs, residentBytes } from "./state.ts";

const PHONES = ["150", "151", "152", "153", "154", "155"];
const RING_SECONDS = 0.2;
const TALK_SECONDS = 3;
const AT_ONCE_MAX = 2_000;
const READY_MS = 300;
const DRAIN_MS_MAX = 20_000;
const POLL_MS = 250;
const SETTLE_MS = 1_000;
/** From the last call's start to the last call's end, with room. */
const ENDED_MS_MAX = 15_000;
/** How 16 and 22 say that a row did not get into master.db. */
const RECORD_ERROR = /Unable to write (CDR|CEL) to database|(cdr|cel)_sqlite3_custom\.c: .*(locked|busy)/g;

/** One run at one rate. */
export interface LoadRun {
  asterisk: string;
  perSecond: number;
  calls: number;
  /** SIPp: every call was answered and ended as it should. */
  allAnswered: boolean;
  asteriskCpuMsPerCall: number;
  /** Rows Asterisk could not write into its own CDR and CEL database. */
  recordsLostByAsterisk: number;
  agent: null | {
    cpuMsPerCall: number;
    rssMb: number;
    eventsPerSecond: number;
    events: number;
    /** Events a second AMI session with the same rights was sent; null when none was open. */
    sent: number | null;
  };
}

/** Places calls at a rate for some seconds, and tells what Asterisk and the agent (when there is one) used and saw. */
export async function loadRun(
  pbx: Pbx,
  perSecond: number,
  seconds: number,
  agent: LoadAgent | null,
  counted: boolean,
): Promise<LoadRun> {
  const folder = join(pbx.paths.plays, `load-${perSecond}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tap = counted ? await tapAmi(pbx.state.ports.ami, "ringpost", pbx.state.secret) : null;
  await delay(READY_MS);
  const quiet = tap?.bytes().length ?? 0;
  const calls = perSecond * seconds;
  const before = await reading(pbx, agent);
  const allAnswered = await place(pbx, folder, perSecond, seconds);
  await untilQuiet(pbx);
  const after = await reading(pbx, agent);
  const sent = tap === null ? null : eventBlocks(tap.bytes().subarray(quiet).toString("latin1")).length;
  await tap?.close();
  const perCall = (usedMs: number): number => Math.round((usedMs / calls) * 10) / 10;
  const events = after.seq - before.seq;
  return {
    asterisk: pbx.release,
    perSecond,
    calls,
    allAnswered,
    asteriskCpuMsPerCall: perCall(after.asteriskMs - before.asteriskMs),
    recordsLostByAsterisk: after.recordErrors - before.recordErrors,
    agent:
      agent === null
        ? null
        : {
            cpuMsPerCall: perCall(after.agentMs - before.agentMs),
            rssMb: Math.round(residentBytes(agent.pid) / 1_048_576),
            eventsPerSecond: Math.round((events / calls) * perSecond),
            events,
            sent,
          },
  };
}

interface Reading {
  asteriskMs: number;
  agentMs: number;
  seq: number;
  recordErrors: number;
}

async function reading(pbx: Pbx, agent: LoadAgent | null): Promise<Reading> {
  const messages = await readFile(join(pbx.paths.logs, "messages"), "utf8").catch(() => "");
  return {
    seq: agent === null ? 0 : (await agentStatus(agent.configPath)).outbox.highest_seq,
    asteriskMs: cpuMs(pbx.state.pid),
    agentMs: agent === null ? 0 : cpuMs(agent.pid),
    recordErrors: messages.match(RECORD_ERROR)?.length ?? 0,
  };
}

async function place(pbx: Pbx, folder: string, perSecond: number, seconds: number): Promise<boolean> {
  const sides: RunningLeg[] = [];
  const enter = async (leg: RunningLeg["leg"]): Promise<RunningLeg> => {
    const running = await startLeg(pbx, leg, sides.length + 1, folder, false);
    sides.push(running);
    return running;
  };
  try {
    for (const phone of PHONES) await enter(answers(phone, RING_SECONDS));
    await delay(READY_MS);
    const caller = outside("trunk-a", "[field0]", "[field1]", talk(TALK_SECONDS), BYE);
    const running = await enter({
      ...caller,
      load: { lines: linesOf(perSecond * seconds), perSecond, atOnceMax: AT_ONCE_MAX },
    });
    const patience = delay(seconds * 1_000 + ENDED_MS_MAX).then(() => "still calling" as const);
    return (await Promise.race([running.exit, patience])) === 0;
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
}

function linesOf(calls: number): string[] {
  return Array.from({ length: calls }, (_, index) => {
    return `0940${String(index).padStart(6, "0")};${did(PHONES[index % PHONES.length] ?? "150")};`;
  });
}

/** The last events are on their way when the last call has ended; what an overloaded PBX left behind is hung up. */
async function untilQuiet(pbx: Pbx): Promise<void> {
  for (let waitedMs = 0; waitedMs < DRAIN_MS_MAX; waitedMs += POLL_MS) {
    await delay(POLL_MS);
    if (/^0 active channels/m.test(await cli(pbx, "core show channels count"))) return delay(SETTLE_MS);
  }
  await cli(pbx, "channel request hangup all");
  await delay(SETTLE_MS);
}
