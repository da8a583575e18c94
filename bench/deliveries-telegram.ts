import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openBotApi, type BotApi } from "../test/deliver/bot-api.ts";
import { headerOf } from "../test/support/pbx/capture.ts";
import { run } from "../test/support/processes.ts";
import { addCustomer, type Customer } from "./customers.ts";
import { recording } from "./recording.ts";
import { startSite, type Site } from "./site.ts";

/** The DID in the recording; each chat is told of one. */
const DID = "0443000150";
const SETTLE_MS_MAX = 30_000;
const SETTINGS_MS = 6_000;
/** Calls of each customer before any is timed, one in each chat: programs are warm and the database has statistics of its tables. */
const WARM_UP_CALLS_PER_SECOND = 5;

export interface CardLoad {
  /** Each has a bot: Telegram takes 30 messages a second of one. */
  customers: number;
  chatsEach: number;
  callsPerSecond: number;
  seconds: number;
}

export interface CardDelays {
  /** From AMI hangup to the request that tells of the end, ms. */
  delays: number[];
  requests: number;
}

interface Played {
  customer: Customer;
  /** By call number: when its last Hangup was sent by AMI. */
  hangups: number[];
}

/** Plays calls of several customers, a card each from its start, and tells how late the Bot API heard of their ends. */
export async function timeCards(env: Record<string, string>, load: CardLoad): Promise<CardDelays> {
  const api = await openBotApi();
  const all = { ...env, RINGPOST_TELEGRAM_API: api.url };
  const site = await startSite({}, all);
  const played: Played[] = [];
  try {
    for (let at = 1; at <= load.customers; at++)
      played.push(await openCustomer(site, all, `${1000 + at}`, load.chatsEach));
    // Running servers read settings anew after a few seconds.
    await sleep(SETTINGS_MS);
    const { customers, chatsEach, callsPerSecond, seconds } = load;
    await playAll(played, { chatsEach, callsPerSecond: WARM_UP_CALLS_PER_SECOND, calls: chatsEach });
    await settle(api, customers * chatsEach);
    await playAll(played, {
      chatsEach,
      callsPerSecond: callsPerSecond / customers,
      calls: (callsPerSecond * seconds) / customers,
    });
    await settle(api, customers * chatsEach + callsPerSecond * seconds);
    if (api.violations.length > 0) throw new Error(`The Bot API was misused: ${api.violations.slice(0, 5).join("; ")}`);
    const delays = played.flatMap((one) => delaysOf(api, one, chatsEach).slice(chatsEach));
    return { delays, requests: api.requests.length };
  } finally {
    for (const { customer } of played) await customer.stop();
    await site.stop();
    await api.close();
  }
}

async function openCustomer(site: Site, env: Record<string, string>, id: string, chats: number): Promise<Played> {
  const hangups: number[] = [];
  const numbers = new Map<string, number>();
  const customer = await addCustomer(site, id, {
    onEvent: ({ name, text }) => {
      const linkedid = headerOf(text, "Linkedid") ?? "";
      if (name === "Newchannel" && !numbers.has(linkedid)) numbers.set(linkedid, numbers.size);
      if (name === "Hangup") hangups[numbers.get(linkedid) ?? -1] = performance.now();
    },
  });
  const token = join(site.folder, `token-${id}`);
  writeFileSync(token, `${id}:for-benchmarks-only`, { mode: 0o600 });
  const words = Array.from({ length: chats }, (_, chat) => [
    `telegram.c${chat}.chat=${chatId(id, chat)}`,
    `telegram.c${chat}.dids=${didOf(chat)}`,
  ]).flat();
  const set = ["enterprise", "set", id, `telegram.token=@${token}`, ...words, "--data-dir", join(site.folder, "data")];
  const { code, output } = await run("server/main.ts", set, env);
  if (code !== 0) throw new Error(output);
  return { customer, hangups };
}

interface Play {
  chatsEach: number;
  callsPerSecond: number;
  calls: number;
}

/** The same at every customer's PBX. */
async function playAll(played: readonly Played[], { chatsEach, callsPerSecond, calls }: Play): Promise<void> {
  const phone = { from: DID, numbered: (call: number) => didOf(call % chatsEach) };
  const load = { callsPerSecond, calls, phone };
  await Promise.all(played.map(({ customer: { pbx } }) => pbx.load(recording("incoming_answered"), load).done));
}

async function settle(api: BotApi, calls: number): Promise<void> {
  const until = performance.now() + SETTLE_MS_MAX;
  const ended = () => api.messages.filter(({ text }) => isEnd(text)).length;
  while (ended() < calls && performance.now() < until) await sleep(100);
  if (ended() < calls) throw new Error(`Of ${calls} calls ${api.messages.length} have cards, ${ended()} with an end.`);
}

/** In a chat one call follows the other: the nth end told there is that of its nth call. */
function delaysOf(api: BotApi, { customer, hangups }: Played, chatsEach: number): number[] {
  const told = Map.groupBy(
    api.requests.filter(({ body, status }) => status === 200 && isEnd(String(body["text"]))),
    ({ body }) => String(body["chat_id"]),
  );
  return hangups.map((hangupAt, call) => {
    const request = told.get(chatId(customer.id, call % chatsEach))?.[Math.floor(call / chatsEach)];
    return request === undefined ? Number.POSITIVE_INFINITY : request.at - hangupAt;
  });
}

function isEnd(text: string): boolean {
  return text.includes("✅");
}

function chatId(customer: string, chat: number): string {
  return `${customer}${String(chat).padStart(3, "0")}`;
}

function didOf(chat: number): string {
  return `0445${String(chat).padStart(6, "0")}`;
}
