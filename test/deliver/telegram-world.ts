import type { CallEvent } from "../../server/assemble/index.ts";
import { expect } from "vitest";
import { openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { phoneCall, type PhoneCall, type Shape } from "../ingest/phone-call.ts";
import { Script } from "../support/script.ts";
import { openBotApi, type BotApi } from "./bot-api.ts";
import { openSender, type Sender } from "./telegram-office.ts";

/** An office whose calls are told to a stand-in Bot API. */
export interface World {
  office: Office;
  server: Server;
  site: Site;
  api: BotApi;
  start(options?: Parameters<typeof openSender>[2]): Sender;
  stopSenders(): Promise<void>;
  /** Plays a call that is over. */
  play(shape?: Shape & { origin?: "live" | "downloaded"; laterMs?: number }): Promise<PhoneCall>;
  /** Sends events as a stream of their own. */
  sendAll(events: readonly CallEvent[], origin?: "live" | "downloaded"): Promise<void>;
  /** Sends some events of a stream whose highest seq is known. */
  sendPart(stream: number, events: readonly CallEvent[], highestSeq: number): Promise<void>;
  /** Makes all that happened older. */
  pass(ms: number): Promise<void>;
  /** Nothing waits any more. */
  settled(): Promise<void>;
  deliveries(): Promise<Record<string, number>>;
  /** Fails when the Bot API was misused. */
  close(): Promise<void>;
}

export async function openTelegramWorld(): Promise<World> {
  const [office, api] = await Promise.all([openOffice(), openBotApi()]);
  const server = await office.server();
  const site = await office.site();
  const senders: Sender[] = [];
  let serial = 0;
  const uuid = (count: number) => `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
  const world: World = {
    office,
    server,
    site,
    api,
    start(options) {
      const sender = openSender(office, api, options);
      senders.push(sender);
      return sender;
    },
    async stopSenders() {
      for (const sender of senders.splice(0)) await sender.stop();
    },
    async play({ origin = "live", laterMs = 0, ...shape } = {}) {
      const call = phoneCall({ serial: ++serial, ...shape });
      await world.sendAll(later(call.events, laterMs), origin);
      return call;
    },
    async sendAll(events, origin = "live") {
      await send(
        server,
        site,
        events.map((event) => ({ ...event, origin })),
        { stream: uuid(1_000_000 + ++serial) },
      );
    },
    async sendPart(stream, events, highestSeq) {
      await send(server, site, events, { stream: uuid(stream), highestSeq });
    },
    async pass(ms) {
      for (const [table, columns] of AGEING) {
        const set = columns.map((column) => `${column} = ${column} - $1::float8 * interval '1 ms'`);
        await office.rows(`UPDATE ${table} SET ${set.join(", ")}`, [ms]);
      }
    },
    async settled() {
      const waiting = async () => (await world.deliveries())["waiting"] ?? 0;
      await expect.poll(waiting, { timeout: 25_000 }).toBe(0);
    },
    async deliveries() {
      const rows = await office.rows<{ state: string; n: number }>(
        "SELECT state, count(*)::int AS n FROM deliveries GROUP BY 1 ORDER BY 1",
      );
      return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
    },
    async close() {
      await world.stopSenders();
      await api.close();
      await office.close();
      if (api.violations.length > 0) throw new Error(`The Bot API was misused: ${api.violations.join("; ")}`);
    },
  };
  return world;
}

const AGEING = [
  ["deliveries", ["created_at", "retry_since"]],
  ["calls", ["start_time", "end_time"]],
  ["call_events", ["event_timestamp"]],
  ["delivery_circuits", ["open_until"]],
] as const;

/** The same events so much later, by the PBX's clock. */
export function later(events: readonly CallEvent[], ms: number): CallEvent[] {
  return events.map((event) => ({ ...event, at: event.at + ms }));
}

/** 150 calls an outside number and talks with it; so many ms after the calls of phoneCall. `serial` makes ids of its own. */
export function callsOut(number: string, laterMs: number, serial = 0): CallEvent[] {
  const pbx = new Script();
  const phone = pbx.arrives("PJSIP/150-00000901", { number: "150", exten: number, context: "office" });
  const line = pbx.wait(1).made("PJSIP/trunk-a-00000902", { of: phone, context: "from-trunk" });
  pbx.dials(phone, line, `${number}@trunk-a`).wait(2).answers(phone, line).joins("b9", line, phone);
  pbx.wait(30).leaves("b9", phone, line).hangsUp(phone).gone(16, line, phone);
  const text = JSON.stringify(later(pbx.events, laterMs)).replaceAll(
    /"1700000000\.(\d)"/g,
    `"1700009999.9${serial}$1"`,
  );
  return JSON.parse(text) as CallEvent[];
}

/** First lines, without the time. */
export function titles(api: BotApi): string[] {
  return api.messages.map(({ text }) =>
    text
      .split("\n")[0]!
      .replace(/ · .*/, "")
      .replaceAll(/<\/?b>/g, ""),
  );
}

/** Requests of a method. */
export function countOf(api: BotApi, method: string): number {
  return api.requests.filter((request) => request.method === method).length;
}
