import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { headerOf } from "../test/support/pbx/capture.ts";
import { run } from "../test/support/processes.ts";
import { barePath } from "./bare-path.ts";
import { timeCards } from "./deliveries-telegram.ts";
import { figure, percentile, type Bench, type Figure } from "./figure.ts";
import { recording } from "./recording.ts";
import { startSite, type Site } from "./site.ts";
import { openWebhook, type Told } from "./told.ts";

const CALLS_PER_SECOND = 50;
const SECONDS = 20;
const SETTLE_MS_MAX = 30_000;
const ENV = { RINGPOST_SECRET_KEY: "a key for benchmarks only" };

/** Calls so far: when the last Hangup of each was sent by AMI, by Linkedid. */
export type Hangups = Map<string, number>;

export const deliveriesBench: Bench = {
  name: "deliveries",
  what: "AMI hangup -> request at whoever is told, every step of every call told",
  run: async (say) => [...(await webhookFigures(say)), ...(await telegramFigures(say))],
};

async function webhookFigures(say: (line: string) => void): Promise<Figure[]> {
  const hangups: Hangups = new Map();
  const told = [await openWebhook()];
  const site = await startSite(
    {
      onEvent: ({ name, text }) => {
        if (name === "Hangup") hangups.set(headerOf(text, "Linkedid")!, performance.now());
      },
    },
    ENV,
  );
  try {
    await tell(site, told);
    const bare = await barePath(site.folder, site.databaseUrl);
    await play(site, hangups, told);
    for (const { what, requests } of told) say(`${hangups.size} calls, ${requests()} requests to the ${what}`);
    return told.flatMap((one) => figuresOf(one, hangups, bare));
  } finally {
    await site.stop();
    for (const one of told) await one.close();
  }
}

async function telegramFigures(say: (line: string) => void): Promise<Figure[]> {
  const load = { customers: 5, chatsEach: 100, callsPerSecond: CALLS_PER_SECOND, seconds: SECONDS };
  const { delays, requests } = await timeCards(ENV, load);
  say(`${delays.length} calls of ${load.customers} customers, ${requests} requests at the Bot API, none too many`);
  return [50, 99].map((p) => {
    const aim = p === 99 ? "under 1,000 ms" : undefined;
    const what = `AMI hangup -> request at the Bot API, p${p} at ${CALLS_PER_SECOND} calls/s`;
    return figure(what, "ms", percentile(delays, p), undefined, aim);
  });
}

/** Says who is told. */
export async function tell({ folder }: Site, told: readonly Told[]): Promise<void> {
  const words = told.flatMap(({ settings }) => settings);
  const set = ["enterprise", "set", "0367", ...words, "--data-dir", join(folder, "data")];
  const { code, output } = await run("server/main.ts", set, ENV);
  if (code !== 0) throw new Error(output);
  // Running servers read settings anew after a few seconds.
  await sleep(6_000);
}

/** Plays calls until all of them were told to all of these. */
export async function play({ pbx }: Pick<Site, "pbx">, hangups: Hangups, told: readonly Told[]): Promise<void> {
  const calls = CALLS_PER_SECOND * SECONDS;
  await pbx.load(recording("incoming_answered"), { callsPerSecond: CALLS_PER_SECOND, calls, speed: 4 }).done;
  const until = performance.now() + SETTLE_MS_MAX;
  const isDone = () => told.every(({ hangupAt }) => hangupAt.size >= hangups.size);
  while (!isDone() && performance.now() < until) await sleep(50);
  const missing = told.find(({ hangupAt }) => hangupAt.size < hangups.size);
  if (missing === undefined) return;
  throw new Error(`The ${missing.what} was told of ${missing.hangupAt.size} of ${hangups.size} calls.`);
}

function figuresOf({ what, hangupAt }: Told, hangups: Hangups, bare: readonly number[]): Figure[] {
  const delays = [...hangups].map(([id, sentAt]) => hangupAt.get(id)! - sentAt);
  return [50, 99].map((p) => {
    const limit = { what: "SQLite + HTTP + PostgreSQL, bare", value: percentile(bare, p) };
    const aim = p === 99 ? "under 1,000 ms" : undefined;
    return figure(
      `AMI hangup -> request at the ${what}, p${p} at ${CALLS_PER_SECOND} calls/s`,
      "ms",
      percentile(delays, p),
      limit,
      aim,
    );
  });
}
