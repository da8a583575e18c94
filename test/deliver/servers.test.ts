import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DELIVERY_LIMITS } from "../../server/deliver/limits.ts";
import { eventually, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { startServer, type RunningServer } from "../support/processes.ts";
import { openReceiver, SECRET_KEY, setHooks, type Receiver } from "./receiver.ts";

const CALLS = 60;
const STEPS = ["start", "dial", "bridge", "hangup"];
let office: Office;
let ingest: Server;
let site: Site;
let receiver: Receiver;
let servers: RunningServer[];

beforeEach(async () => {
  office = await openOffice();
  ingest = await office.server();
  site = await office.site();
  receiver = await openReceiver();
  await setHooks(office, [{ url: receiver.url }]);
  const env = { RINGPOST_SECRET_KEY: SECRET_KEY };
  servers = await Promise.all([1, 2].map(() => startServer({ databaseUrl: office.db.url, env })));
});
afterEach(async () => {
  await receiver.close();
  await Promise.all(servers.map((server) => server.stop()));
  await office.close();
});

const waiting = async () =>
  (await office.rows<{ count: number }>("SELECT count(*)::int AS count FROM deliveries WHERE state = 'waiting'"))[0]!
    .count;

async function playCalls(): Promise<void> {
  for (let serial = 0; serial < CALLS; serial++) {
    const stream = `00000000-0000-4000-8000-${String(serial + 1).padStart(12, "0")}`;
    await send(ingest, site, phoneCall({ serial }).events, { stream });
  }
}

/** Once nothing moves any more, as if the time of those who died with a claim were over. */
async function endClaims(): Promise<void> {
  for (let seen = -1; seen !== receiver.got.length;) {
    seen = receiver.got.length;
    await sleep(1_500);
  }
  await office.rows("UPDATE deliveries SET claimed_until = now() - interval '10 s' WHERE state = 'waiting'");
}

it("of two servers one is killed in the middle: every message arrives, in order, and only what it was sending comes twice, saying so", async () => {
  receiver.delayMs = 40;
  const playing = playCalls();
  await eventually(async () => expect(receiver.got.length).toBeGreaterThan(CALLS), 20_000);
  await servers[0]!.kill();
  await playing;
  await endClaims();
  await eventually(async () => expect(await waiting()).toBe(0), 60_000);

  const messages = Map.groupBy(receiver.got, ({ body }) => body.data.event_id);
  expect(messages.size).toBe(CALLS * STEPS.length);
  const repeats = [...messages.values()].flatMap((same) => same.slice(1));
  expect(repeats.length).toBeLessThanOrEqual(DELIVERY_LIMITS.perTargetMax);
  for (const { body } of repeats) expect(body.data.attempt).toBe(2);
  for (const [, ofCall] of Map.groupBy(receiver.got, ({ body }) => body.data.call.unique_id)) {
    const firsts = ofCall.filter(({ body }, at) => ofCall.findIndex((m) => m.body.data.step === body.data.step) === at);
    expect(firsts.map(({ body }) => body.data.step)).toEqual(STEPS);
  }
  expect(await office.rows("SELECT DISTINCT integration_sent, processed FROM call_events")).toEqual([
    { integration_sent: true, processed: true },
  ]);
}, 120_000);

it("both servers send, and one that is stopped in good order leaves nothing sent twice or not at all", async () => {
  receiver.delayMs = 20;
  const playing = playCalls();
  await eventually(async () => expect(receiver.got.length).toBeGreaterThan(CALLS), 20_000);
  const sent = async (server: RunningServer) =>
    Number(
      /^ringpost_delivery_attempts_total\{channel="webhook",outcome="sent"\} (\d+)$/m.exec(
        await (await fetch(`${server.url}/metrics`)).text(),
      )?.[1] ?? 0,
    );
  await eventually(async () => expect(Math.min(...(await Promise.all(servers.map(sent))))).toBeGreaterThan(0));
  await servers[0]!.stop();
  await playing;
  await eventually(async () => expect(await waiting()).toBe(0), 60_000);
  expect(receiver.got).toHaveLength(CALLS * STEPS.length);
  expect(receiver.got.filter(({ body }) => body.data.attempt > 1)).toEqual([]);
}, 120_000);

it("a database that drops every connection again and again costs repeats, no message and no server", async () => {
  receiver.delayMs = 10;
  const playing = playCalls();
  for (let n = 0; n < 6; n++) {
    await sleep(300);
    await office.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ringpost jobs'`,
    );
  }
  await playing;
  await endClaims();
  await eventually(async () => expect(await waiting()).toBe(0), 90_000);
  expect(servers.map(({ running }) => running)).toEqual([true, true]);
  const messages = Map.groupBy(receiver.got, ({ body }) => body.data.event_id);
  expect(messages.size).toBe(CALLS * STEPS.length);
  for (const same of messages.values()) {
    const attempts = same.map(({ body }) => body.data.attempt);
    expect(attempts).toEqual([...new Set(attempts)].toSorted((a, b) => a - b));
  }
  const flags = await office.rows("SELECT DISTINCT integration_sent, processed FROM call_events");
  expect(flags).toEqual([{ integration_sent: true, processed: true }]);
}, 150_000);
