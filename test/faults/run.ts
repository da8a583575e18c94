import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { judgeCalls, readCalls } from "./audit/calls.ts";
import { isLost, judgeEvents, overlap, type Verdict } from "./audit/events.ts";
import { readGaps, readStored } from "./audit/evidence.ts";
import { FinalityWatch } from "./audit/finality.ts";
import { judgeGaps } from "./audit/gaps.ts";
import { playUndisturbed } from "./audit/reference.ts";
import { judgeTags } from "./audit/tags.ts";
import { storedNumbers, type Fault } from "./catalogue/fault.ts";
import type { CallTemplate } from "./oracle/templates.ts";
import { tabulate, type Row, type Window } from "./report.ts";
import { schedule, type Pace, type Step } from "./schedule.ts";
import { pause, startStack, until, type Stack } from "./stack/stack.ts";

const LOGIN_DEADLINE_MS = 30_000;
/** Backlogs drain as long as they must; nothing new for so long means nothing will come. */
const SILENCE_MS_MAX = 30_000;
const LIVE_WINDOW_SECONDS = 3;
/** More of one kind says nothing new. */
const WRONGS_SHOWN_MAX = 20;

export interface RunOptions {
  seed: number;
  faults: readonly Fault[];
  /** How long faults go on; at least each of them happens once. */
  faultsForMs: number;
  eventsPerSecond: number;
  templates: readonly CallTemplate[];
  pace: Pace;
  agentBinary?: string | undefined;
  keep: boolean;
  log: (line: string) => void;
}

export interface RunResult {
  seed: number;
  rows: Row[];
  /** Everything that broke the promise, in words; empty is a pass. */
  wrongs: string[];
  skipped: { fault: string; why: string }[];
  samples: number;
  calls: number;
  dir: string;
}

/** One whole run: a stack is built, calls are played, faults happen, stop, and what is stored is judged. */
export async function run(options: RunOptions): Promise<RunResult> {
  const stack = await startStack({
    seed: options.seed,
    templates: options.templates,
    eventsPerSecond: options.eventsPerSecond,
    servers: 2,
    liveWindowSeconds: LIVE_WINDOW_SECONDS,
    agentBinary: options.agentBinary,
  });
  const watch = new FinalityWatch(stack.database, stack.site.id);
  try {
    await begin(stack);
    watch.start();
    const { windows, skipped } = await injectFaults(stack, watch, options);
    const settled = await settle(stack);
    await watch.stop();
    const judged = await judge(stack, watch);
    if (options.keep) writeFileSync(join(stack.dir, "verdicts.json"), JSON.stringify(judged.verdicts.map(oneLine)));
    return {
      seed: options.seed,
      rows: tabulate(windows, judged.verdicts),
      wrongs: [...settled, ...judged.wrongs],
      skipped,
      samples: watch.samples,
      calls: stack.journal.calls.length,
      dir: stack.dir,
    };
  } finally {
    await watch.stop();
    await stack.close(options.keep);
  }
}

export async function begin(stack: Stack): Promise<void> {
  stack.agent.start();
  if (!(await until(() => stack.pbx.listening, LOGIN_DEADLINE_MS))) {
    throw new Error(
      `The agent did not log in to AMI within ${LOGIN_DEADLINE_MS} ms. It says:\n${stack.agent.lastWords()}`,
    );
  }
  stack.player.start();
  await pause(1_500);
}

async function injectFaults(
  stack: Stack,
  watch: FinalityWatch,
  options: RunOptions,
): Promise<{ windows: Window[]; skipped: RunResult["skipped"] }> {
  const skipped = options.faults
    .map((fault) => ({ fault: fault.name, why: fault.cannot?.(stack) ?? null }))
    .filter((entry): entry is { fault: string; why: string } => entry.why !== null);
  const possible = options.faults.filter((fault) => !skipped.some((entry) => entry.fault === fault.name));
  const windows: Window[] = [];
  const missing = new Set(possible);
  const end = performance.now() + options.faultsForMs;
  let n = 0;
  for (const step of schedule(possible, stack.random.fork("schedule"), options.pace)) {
    if (missing.size === 0 && performance.now() > end) break;
    await pause(step.calmMs);
    options.log(
      `${String(++n).padStart(3)}  ${step.faults.map(({ fault, holdMs }) => `${fault.name} ${holdMs} ms`).join(" + ")}`,
    );
    await injectStep(stack, watch, step, n, windows);
    for (const { fault } of step.faults) missing.delete(fault);
  }
  return { windows, skipped };
}

async function injectStep(stack: Stack, watch: FinalityWatch, step: Step, n: number, windows: Window[]): Promise<void> {
  const restores = stack.restores.length;
  if (step.faults.some(({ fault }) => fault.name === "database-restored")) watch.forgiveAbsence(true);
  windows.push({ faults: step.faults.map(({ fault }) => fault.name), fromMono: performance.now() });
  await Promise.all(
    step.faults.map(({ fault, holdMs }) => fault.inject(stack, stack.random.fork(`step ${n} ${fault.name}`), holdMs)),
  );
  if (stack.restores.length === restores) return;
  await until(() => everythingDeliveredIsStored(stack), 30_000, 500);
  watch.forgiveAbsence(false);
}

/** Calls end, the backlog drains, then one more call passes. */
export async function settle(stack: Stack, silenceMsMax = SILENCE_MS_MAX): Promise<string[]> {
  const wrongs: string[] = [];
  await stack.player.finish();
  if (!(await drained(stack, silenceMsMax))) {
    const missing = (await missingNow(stack)).map(({ told }) => told.number);
    const which = missing.length === 0 ? "they came later" : `${missing.length}, the first is ${missing[0]}`;
    wrongs.push(`Events are missing (${which}), and nothing came for ${silenceMsMax / 1000} s`);
  }
  if (!(await until(() => stack.pbx.listening, LOGIN_DEADLINE_MS)))
    wrongs.push("The agent is not logged in after the faults");
  const { lastNumber } = stack.player.playOne();
  const passes = await until(async () => (await storedNumbers(stack)).includes(lastNumber), 20_000, 200);
  if (!passes) wrongs.push("One more call after the faults does not pass");
  return wrongs;
}

async function drained(stack: Stack, silenceMsMax: number): Promise<boolean> {
  let stored = -1;
  for (let silentSince = performance.now(); performance.now() - silentSince < silenceMsMax; await pause(500)) {
    if (await everythingDeliveredIsStored(stack)) return true;
    const now = (await storedNumbers(stack)).length;
    if (now !== stored) silentSince = performance.now();
    stored = now;
  }
  return false;
}

async function everythingDeliveredIsStored(stack: Stack): Promise<boolean> {
  return (await missingNow(stack)).length === 0;
}

async function missingNow(stack: Stack): Promise<Verdict[]> {
  const [stored, gaps] = [
    await readStored(stack.database, stack.site.id),
    await readGaps(stack.database, stack.site.id),
  ];
  return judgeEvents(stack.journal, stored, gaps, stack.excusable).filter(isLost);
}

export async function judge(stack: Stack, watch: FinalityWatch): Promise<{ verdicts: Verdict[]; wrongs: string[] }> {
  const { journal, database, site } = stack;
  await playUndisturbed(stack);
  const stored = await readStored(database, site.id);
  const gaps = await readGaps(database, site.id);
  const verdicts = judgeEvents(journal, stored, gaps, stack.excusable);
  const incomplete = new Set(
    verdicts.filter(({ rows, told }) => rows === 0 && told.call > 0).map(({ told }) => told.call),
  );
  const [calls, reference] = [await readCalls(database, site.id), await readCalls(database, stack.referenceSite.id)];
  const outboxHarmed = stack.excusable.size > 0 || journal.hindrances.some(({ what }) => what === "disk");
  const disputed = disputedCalls(stack);
  const windowMs = stack.options.liveWindowSeconds * 1000;
  const wrongs = [
    ...some(verdicts.filter(isLost).map(lostWords)),
    ...some(
      verdicts.filter(({ rows }) => rows > 1).map(({ told, rows }) => `Event ${told.number} is stored ${rows} times`),
    ),
    ...some(judgeGaps({ journal, gaps, stored, damages: stack.damages, outboxHarmed })),
    ...some(await setAside(stack)),
    ...some(judgeTags({ told: journal.told, stored, tap: stack.tap, windowMs, clockJumps: stack.clockJumps })),
    ...some(
      judgeCalls({ played: journal.calls.filter(({ call }) => !disputed.has(call)), incomplete, calls, reference }),
    ),
    ...some(await watch.judge(journal, { incomplete, disputed, reclocked: reclockedCalls(stack) })),
  ];
  return { verdicts, wrongs };
}

/** Whatever a server could not take, the agents' own markers included; a conflict was made on purpose. */
async function setAside({ database }: Stack): Promise<string[]> {
  const rows = await database.query<{ stream: string; seq: string; event: string; detail: string }>(
    `SELECT stream_id AS stream, seq, body->>'Event' AS event, detail FROM rejected_events WHERE reason <> 'conflict'`,
  );
  return rows.map(
    ({ stream, seq, event, detail }) => `Event ${seq} of stream ${stream} (${event}) was set aside: ${detail}`,
  );
}

/**
 * Calls that ran while two agents claimed to be one site; and those that afterwards ran by a clock that was behind: streams of
 * two machines stand in no order but that of their clocks, and the other's list of channels seems to be later.
 */
function disputedCalls({ journal, disputes, clockBacks }: Stack): Set<number> {
  const claimedMono = disputes[0]?.fromMono ?? Infinity;
  const spans = [...disputes, ...clockBacks.filter(({ fromMono }) => fromMono > claimedMono)];
  const during = journal.calls.filter(({ startedMono, endedMono }) =>
    spans.some(({ fromMono, toMono }) => overlap(startedMono, endedMono ?? Infinity, fromMono, toMono ?? Infinity) > 0),
  );
  return new Set(during.map(({ call }) => call));
}

/** Calls during which the machine's clock was set. */
function reclockedCalls({ journal, clockJumps }: Stack): Set<number> {
  const during = journal.calls.filter(({ startedMono, endedMono }) =>
    clockJumps.some((jump) => jump >= startedMono && jump <= (endedMono ?? Infinity)),
  );
  return new Set(during.map(({ call }) => call));
}

function oneLine({ told, standing, rows, kept, inGap }: Verdict): object {
  const { number, call, name, at, session } = told;
  return { number, call, name, at: new Date(at).toISOString(), session, standing, rows, kept, inGap };
}

function lostWords({ told, standing }: Verdict): string {
  const what = `Event ${told.number} (${told.name}, ${new Date(told.at).toISOString()})`;
  return standing === "owed" ? `${what} was delivered and is not stored` : `${what} is not stored and no gap names it`;
}

function some(wrongs: string[]): string[] {
  if (wrongs.length <= WRONGS_SHOWN_MAX) return wrongs;
  return [...wrongs.slice(0, WRONGS_SHOWN_MAX), `... and ${wrongs.length - WRONGS_SHOWN_MAX} more like these`];
}
