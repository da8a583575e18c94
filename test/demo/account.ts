import { setTimeout as sleep } from "node:timers/promises";
import { agentStatus, runJson, start, type Running } from "../support/processes.ts";
import { DemoFailure, inPart } from "./failure.ts";
import type { House } from "./house.ts";
import { OUTAGE, type Expected } from "./programme.ts";
import type { Screen, ToldCall } from "./screen.ts";
import type { Words } from "./words.ts";

/** Calls become final within a second of their last event; a slow machine may take longer. */
const SETTLE_SECONDS_MAX = 20;
const DRAIN_SECONDS_MAX = 20;
const LOOK_MS = 200;

export interface Scene {
  house: House;
  screen: Screen;
  words: Words;
  signal: AbortSignal;
}

/** Prints every call as it appears and changes, from the server's own `calls --follow`. */
export function followCalls({ house, screen }: Scene): Running {
  const follower = start("server/main.ts", house.command(["calls", "--follow", "--last", "0", "--json"]));
  follower.onLine((line) => {
    const told = JSON.parse(line) as ToldCall | { id: number; gone: true };
    if ("gone" in told) screen.gone(told.id);
    else screen.call(told);
  });
  return follower;
}

/** Pulls the plug between agent and server for some seconds, and waits until what piled up has arrived. */
export async function outage({ house, screen, words, signal }: Scene): Promise<void> {
  await sleep(OUTAGE.from * 1000, undefined, { signal });
  screen.event(words.cut);
  await house.link.cut();
  await sleep(((OUTAGE.to - OUTAGE.from) * 1000) / 2, undefined, { signal });
  screen.event(words.waiting(await waiting(house)));
  await sleep(((OUTAGE.to - OUTAGE.from) * 1000) / 2, undefined, { signal });
  const piled = await waiting(house);
  await house.link.restore();
  screen.event(words.restored((OUTAGE.to - OUTAGE.from) * 1000));
  screen.event(words.restoredWaiting(piled));
  await inPart(words.partDrain, () => drained({ house, screen, words, signal }));
}

/** The demo's traffic goes on, so what counts is that nothing older than the link's return still waits. */
async function drained({ house, screen, words, signal }: Scene): Promise<void> {
  const restoredAt = Date.now();
  for (let late = await older(house, restoredAt); late > 0; late = await older(house, restoredAt)) {
    if (Date.now() - restoredAt > DRAIN_SECONDS_MAX * 1000) {
      const { problem } = (await agentStatus(house.agent.configPath)).server;
      throw new Error(`${words.notDrained(late, DRAIN_SECONDS_MAX)}${problem === null ? "" : `\n  ${problem}`}`);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
  screen.event(words.drained(Date.now() - restoredAt));
}

/** How many events wait, if the oldest of them is older than `at`; else 0. */
async function older(house: House, at: number): Promise<number> {
  const { waiting, oldest_waiting_at: oldest } = (await agentStatus(house.agent.configPath)).outbox;
  return oldest !== null && oldest < at ? waiting : 0;
}

/** Waits until every call is final and looks whether the tables say what the phones saw. */
export async function settled({ house, screen, words, signal }: Scene, expected: readonly Expected[]): Promise<void> {
  const deadline = performance.now() + SETTLE_SECONDS_MAX * 1000;
  let wrong = await differences(house, words, expected);
  while (wrong.length > 0 && performance.now() < deadline) {
    await sleep(LOOK_MS, undefined, { signal });
    wrong = await differences(house, words, expected);
  }
  if (wrong.length > 0) {
    throw new DemoFailure(words.partSettle, [words.notSettled(SETTLE_SECONDS_MAX), ...wrong].join("\n    "));
  }
  await sleep(LOOK_MS * 2, undefined, { signal }); // the follower looks every 300 ms
  screen.line();
  screen.line(screen.paint.bold(words.settled(expected.length)));
}

interface Row {
  unique_id: string;
  state: string;
  call_status: string | null;
  main_extension: string | null;
}

async function differences(house: House, words: Words, expected: readonly Expected[]): Promise<string[]> {
  const select = "SELECT unique_id, state, call_status, main_extension FROM calls";
  const rows = await runJson<Row[]>("server/main.ts", house.command(["sql", select]));
  const byId = new Map(rows.map((row) => [row.unique_id, row]));
  return expected.flatMap(({ id, status, extension }) => {
    const row = byId.get(id);
    const should = `${status}/${extension ?? "-"}`;
    const is = row === undefined ? words.missingCall : `${row.call_status ?? row.state}/${row.main_extension ?? "-"}`;
    return should === is ? [] : [words.wrongCall(id, should, is)];
  });
}

async function waiting(house: House): Promise<number> {
  return (await agentStatus(house.agent.configPath)).outbox.waiting;
}
