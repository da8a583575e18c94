import { join } from "node:path";
import { judgeEvents, isLost } from "../faults/audit/events.ts";
import { readGaps, readStored } from "../faults/audit/evidence.ts";
import type { CallTemplate } from "../faults/oracle/templates.ts";
import { pause, until } from "../faults/stack/stack.ts";
import { disturb, nothingDone, strikeRepair, strikeSoon, type Done } from "./disturb.ts";
import { openHouse, type House } from "./house.ts";
import { judge, type Row } from "./judge.ts";

const LOGIN_MS_MAX = 30_000;
/** Within minutes, by themselves. */
const REFILL_MS_MAX = 120_000;
const DRAIN_MS_MAX = 120_000;
/** A claim of a killed sender is waited for, and an endpoint's retry. */
const DELIVERED_MS_MAX = 120_000;
const WRONGS_SHOWN_MAX = 30;

export interface RunOptions {
  seed: number;
  sites: number;
  eventsPerSecond: number;
  templates: readonly CallTemplate[];
  /** Rounds go on for so long; there is one at least. A round: a copy, kills, the copy put back, kills. */
  forMs: number;
  log: (line: string) => void;
}

export interface Result {
  seed: number;
  rows: Row[];
  wrongs: string[];
  done: Done;
  /** How long each time until the sites had sent again what the copy lacked. */
  refillMs: number[];
  /** Events the copies lacked. */
  putBack: number;
  /** Rows of Asterisk's own files the copies lacked. */
  rowsPutBack: number;
}

/** A house under load, whose database is put back to a copy from a while ago, while whatever can die is killed. */
export async function run(options: RunOptions): Promise<Result> {
  const house = await openHouse({ ...options, liveWindowSeconds: 3 });
  const done = nothingDone();
  const result: Result = { seed: options.seed, rows: [], wrongs: [], done, refillMs: [], putBack: 0, rowsPutBack: 0 };
  const lacked = new Set<string>();
  try {
    await begin(house);
    const end = performance.now() + options.forMs;
    for (let round = 1; round === 1 || performance.now() < end; round++)
      for (const row of await playRound(house, round, result, options.log)) lacked.add(row);
    result.wrongs.push(...(await settle(house, lacked)));
    const { rows, wrongs } = await judge(house, done);
    result.rows = rows;
    result.wrongs.push(...wrongs.slice(0, WRONGS_SHOWN_MAX));
    return result;
  } finally {
    await house.close();
  }
}

async function begin({ sites }: House): Promise<void> {
  for (const { agent } of sites) agent.start();
  for (const { pbx, agent } of sites) {
    if (!(await until(() => pbx.listening, LOGIN_MS_MAX)))
      throw new Error(`No login to ${pbx.name}:\n${agent.lastWords()}`);
  }
  for (const { player, watch } of sites) {
    player.start();
    watch.start();
  }
  await pause(3_000);
}

/** Returns the rows of Asterisk's own files that were there before. */
async function playRound(
  house: House,
  round: number,
  result: Result,
  log: RunOptions["log"],
): Promise<ReadonlySet<string>> {
  const { done } = result;
  const copy = join(house.dir, `copy-${round}`);
  done.kills.push({ what: "PostgreSQL", atMono: performance.now() });
  await house.database.backUp(copy);
  log(`round ${round}: the data folder is copied`);
  await disturb(house, done, log);
  await strikeRepair(house, done, log);
  const rows = await putBack(house, copy, result, log);
  await strikeRepair(house, done, log);
  await disturb(house, done, log);
  return rows;
}

/** The same; all sites have sent again what they lacked when it resolves, or it is noted that they have not. */
async function putBack(
  house: House,
  copy: string,
  result: Result,
  log: RunOptions["log"],
): Promise<ReadonlySet<string>> {
  const { database, servers, sites } = house;
  const [before, rowsBefore] = [await storedNow(house), await rowsNow(house)];
  for (const { watch } of sites) watch.forgiveAbsence(true);
  result.done.kills.push({ what: "server", atMono: performance.now() });
  for (const server of servers) await server.kill();
  await database.restore(copy);
  const lacking = countMissing(before, await storedNow(house));
  result.putBack += lacking;
  result.rowsPutBack += countMissing(rowsBefore, await rowsNow(house));
  log(`the copy is put back: it lacks ${lacking} events`);
  const startedMono = performance.now();
  for (const server of servers) await server.start();
  const struck = strikeSoon(house, result.done, log);
  const refilled = await until(async () => countMissing(before, await storedNow(house)) === 0, REFILL_MS_MAX, 250);
  const tookMs = Math.round(performance.now() - startedMono);
  result.refillMs.push(tookMs);
  log(
    refilled ? `all sites have sent them again, ${tookMs} ms after the servers were started` : "they do not come again",
  );
  if (!refilled) result.wrongs.push(`what the copy lacked was not there again within ${REFILL_MS_MAX / 1000} s`);
  await struck;
  await until(() => calm(house), REFILL_MS_MAX, 250);
  for (const { watch } of sites) watch.forgiveAbsence(false);
  return rowsBefore;
}

/** Site and number of every event in the database. */
async function storedNow({ database }: House): Promise<Set<string>> {
  const rows = await database.query<{ n: string }>(
    "SELECT concat(site_id, ' ', body->>'OracleNumber') AS n FROM ami_events WHERE body ? 'OracleNumber'",
  );
  return new Set(rows.map(({ n }) => n));
}

/** File and place of every row of Asterisk's own files. */
async function rowsNow({ database }: House): Promise<Set<string>> {
  const rows = await database.query<{ row: string }>(
    `SELECT concat(s.uuid, ' ', e.seq) AS row FROM ami_events e JOIN streams s ON s.id = e.stream_id
     WHERE e.origin = 'recovered'`,
  );
  return new Set(rows.map(({ row }) => row));
}

function countMissing(before: ReadonlySet<string>, now: ReadonlySet<string>): number {
  return [...before].filter((one) => !now.has(one)).length;
}

/** No call waits for events that are still missing. */
async function calm({ database }: House): Promise<boolean> {
  const [row] = await database.query<{ waiting: string }>("SELECT count(*) AS waiting FROM calls WHERE incomplete");
  return row?.waiting === "0";
}

async function settle(house: House, rows: ReadonlySet<string>): Promise<string[]> {
  const wrongs: string[] = [];
  await Promise.all(house.sites.map(({ player }) => player.finish()));
  if (!(await until(() => drained(house), DRAIN_MS_MAX, 500))) wrongs.push("events are missing at the end");
  for (const { pbx, player } of house.sites) {
    if (!(await until(() => pbx.listening, LOGIN_MS_MAX))) wrongs.push(`nobody listens to ${pbx.name} at the end`);
    player.playOne();
  }
  if (!(await until(() => drained(house), DRAIN_MS_MAX, 500))) wrongs.push("one more call after it all does not pass");
  if (!(await until(() => repaired(house), REFILL_MS_MAX, 500)))
    wrongs.push("a time nobody listened is not read from Asterisk's own files at the end");
  const gone = countMissing(rows, await rowsNow(house));
  if (gone > 0) wrongs.push(`${gone} rows of Asterisk's own files that were lost with the database did not come again`);
  const told = await until(async () => (await waitingDeliveries(house)) === 0, DELIVERED_MS_MAX, 500);
  if (!told) wrongs.push("deliveries wait at the end");
  return wrongs;
}

async function drained({ database, sites }: House): Promise<boolean> {
  for (const { id, journal } of sites) {
    const [stored, gaps] = [await readStored(database, id), await readGaps(database, id)];
    if (judgeEvents(journal, stored, gaps, new Set()).some(isLost)) return false;
  }
  return true;
}

/** No gap that could be read for is open, and nothing is read any more. */
async function repaired({ database }: House): Promise<boolean> {
  const [row] = await database.query<{ n: string }>(
    `SELECT (SELECT count(*) FROM gaps WHERE to_time IS NOT NULL AND repaired_at IS NULL)
       + (SELECT count(*) FROM streams WHERE repairing <> '[]') + (SELECT count(*) FROM downloads WHERE done_at IS NULL) AS n`,
  );
  return row?.n === "0";
}

async function waitingDeliveries({ database }: House): Promise<number> {
  const [row] = await database.query<{ n: string }>("SELECT count(*) AS n FROM deliveries WHERE state = 'waiting'");
  return Number(row?.n);
}
