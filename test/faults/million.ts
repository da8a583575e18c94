import { statSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS } from "../support/captures.ts";
import { writeBacklog } from "./oracle/backlog.ts";
import { loadTemplates } from "./oracle/templates.ts";
import { pause, startStack, until, type Stack } from "./stack/stack.ts";

export const MILLION = "million-backlog";

const BYTES_PER_MB = 1024 * 1024;
const RSS_MB_MAX = 120;
const LATENCY_RATIO_MAX = 2;
/** RSS may move by this between the first and the last quarter of the watch; more is growth. */
const FLAT_MB_MAX = 15;
const SAMPLE_MS = 500;

export interface MillionOptions {
  log: (line: string) => void;
  events?: number;
  /** How long live calls are timed, without backlog and with it. */
  timedMs?: number;
  eventsPerSecond?: number;
  agentBinary?: string | undefined;
  /** Whether to go on until the whole backlog is in, and count it. */
  drain?: boolean;
}

export interface Latency {
  events: number;
  p50Ms: number;
  p99Ms: number;
}

export interface MillionResult {
  backlog: number;
  outboxMb: number;
  without: Latency;
  with: Latency;
  ratioP50: number;
  ratioP99: number;
  rssMbMax: number;
  rssMbFirstQuarter: number;
  rssMbLastQuarter: number;
  /** Backlog events stored by the end, their rate, and whether each is there once. */
  drained: number;
  drainedPerSecond: number;
  doubled: number;
  wrongs: string[];
}

/**
 * A million events wait in the outbox: how much memory the agent takes while they drain, and how much later live events
 * arrive than without them.
 */
export async function millionBacklog(options: MillionOptions): Promise<MillionResult> {
  const { log, events = 1_000_000, timedMs = 60_000, eventsPerSecond = 50 } = options;
  const templates = loadTemplates(join(SCENARIOS, "22"));
  const stack = await startStack({
    seed: 1,
    templates,
    eventsPerSecond,
    servers: 1,
    liveWindowSeconds: 15,
    plainDisk: true,
    agentBinary: options.agentBinary,
  });
  try {
    const without = await timeWithoutBacklog(stack, timedMs);
    log(`without backlog: ${words(without)}`);
    await stack.agent.end();
    const backlog = writeBacklog(stack.agent.outboxFile, { events, templates, random: stack.random.fork("backlog") });
    const outboxMb = statSync(stack.agent.outboxFile).size / BYTES_PER_MB;
    log(`the outbox holds ${backlog} events more, ${outboxMb.toFixed(0)} MB`);
    return await drainAndTime(stack, { ...options, timedMs, backlog, outboxMb, without });
  } finally {
    await stack.close(false);
  }
}

async function timeWithoutBacklog(stack: Stack, timedMs: number): Promise<Latency> {
  stack.agent.start();
  await until(() => stack.pbx.listening, 30_000);
  stack.player.start();
  await pause(3_000);
  const from = stack.journal.told.length + 1;
  await pause(timedMs);
  return latency(stack, from, stack.journal.told.length);
}

async function drainAndTime(
  stack: Stack,
  options: MillionOptions & { timedMs: number; backlog: number; outboxMb: number; without: Latency },
): Promise<MillionResult> {
  const { log, backlog, without } = options;
  const memory: number[] = [];
  const before = await countStored(stack);
  const began = performance.now();
  stack.agent.start();
  const sampler = setInterval(() => memory.push((stack.agent.residentBytes ?? 0) / BYTES_PER_MB), SAMPLE_MS);
  await until(() => stack.pbx.listening, 30_000);
  await pause(5_000);
  const from = stack.journal.told.length + 1;
  await pause(options.timedMs);
  const to = stack.journal.told.length;
  const timed = await latency(stack, from, to);
  log(`with backlog: ${words(timed)}`);
  const drained = (): Promise<number> =>
    countStored(stack).then((now) => now - before - (stack.journal.told.length - from));
  if (options.drain !== false) {
    await until(
      async () => {
        const now = await drained();
        log(`drained ${now} of ${backlog}, RSS ${memory.at(-1)?.toFixed(0)} MB`);
        return now >= backlog;
      },
      900_000,
      10_000,
    );
  }
  const done = await drained();
  const tookS = (performance.now() - began) / 1000;
  clearInterval(sampler);
  await stack.player.finish();
  const result = {
    backlog,
    outboxMb: options.outboxMb,
    without,
    with: timed,
    ratioP50: timed.p50Ms / without.p50Ms,
    ratioP99: timed.p99Ms / without.p99Ms,
    rssMbMax: Math.max(...memory),
    rssMbFirstQuarter: mean(memory.slice(memory.length >> 3, memory.length >> 2)),
    rssMbLastQuarter: mean(memory.slice(-(memory.length >> 2))),
    drained: done,
    drainedPerSecond: done / tookS,
    doubled: await countDoubled(stack),
  };
  return { ...result, wrongs: wrongsOf(result, options.drain !== false) };
}

function wrongsOf(result: Omit<MillionResult, "wrongs">, drain: boolean): string[] {
  const wrongs: string[] = [];
  if (result.rssMbMax > RSS_MB_MAX)
    wrongs.push(`The agent took ${result.rssMbMax.toFixed(0)} MB, over ${RSS_MB_MAX} MB`);
  const grown = result.rssMbLastQuarter - result.rssMbFirstQuarter;
  if (grown > FLAT_MB_MAX) wrongs.push(`The agent's memory grew by ${grown.toFixed(0)} MB`);
  if (result.ratioP50 > LATENCY_RATIO_MAX)
    wrongs.push(`Live events are ${result.ratioP50.toFixed(1)} times later behind the backlog`);
  if (result.doubled > 0) wrongs.push(`${result.doubled} events are stored twice`);
  if (drain && result.drained < result.backlog) wrongs.push(`${result.backlog - result.drained} events did not arrive`);
  return wrongs;
}

export function printMillion(result: MillionResult, json: boolean): number {
  if (json) console.log(JSON.stringify(result));
  else {
    console.log(`live latency without backlog  ${words(result.without)}`);
    console.log(`live latency with ${result.backlog} waiting  ${words(result.with)}`);
    console.log(
      `ratio p50 ${result.ratioP50.toFixed(2)}, p99 ${result.ratioP99.toFixed(2)} (limit ${LATENCY_RATIO_MAX})`,
    );
    console.log(
      `agent RSS max ${result.rssMbMax.toFixed(0)} MB (limit ${RSS_MB_MAX}), first quarter ${result.rssMbFirstQuarter.toFixed(0)}, last ${result.rssMbLastQuarter.toFixed(0)}`,
    );
    console.log(`drained ${result.drained} at ${result.drainedPerSecond.toFixed(0)}/s, doubled ${result.doubled}`);
    for (const wrong of result.wrongs) console.log(`BROKEN  ${wrong}`);
  }
  return result.wrongs.length === 0 ? 0 : 1;
}

/** From the event's Timestamp to the moment its transaction was stamped, of the events played in a span. */
async function latency(stack: Stack, from: number, to: number): Promise<Latency> {
  await pause(2_000);
  const rows = await stack.database.query<{ n: string; p50: number; p99: number }>(
    `SELECT count(*) AS n,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99
     FROM (SELECT extract(epoch FROM received_at) * 1000 - (body->>'Timestamp')::float8 * 1000 AS ms
           FROM ami_events WHERE body ? 'OracleNumber' AND (body->>'OracleNumber')::bigint BETWEEN $1 AND $2) t`,
    [from, to],
  );
  return { events: Number(rows[0]!.n), p50Ms: rows[0]!.p50, p99Ms: rows[0]!.p99 };
}

async function countStored(stack: Stack): Promise<number> {
  const rows = await stack.database.query<{ n: string }>("SELECT count(*) AS n FROM ami_events");
  return Number(rows[0]!.n);
}

async function countDoubled(stack: Stack): Promise<number> {
  const rows = await stack.database.query<{ n: string }>(
    "SELECT count(*) - count(DISTINCT (stream_id, seq)) AS n FROM ami_events",
  );
  return Number(rows[0]!.n);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function words({ events, p50Ms, p99Ms }: Latency): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms of ${events} events`;
}
