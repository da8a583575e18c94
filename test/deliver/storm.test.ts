import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DELIVERY_LIMITS } from "../../server/deliver/limits.ts";
import { webhookSender } from "../../server/deliver/webhook-send.ts";
import { send } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { openHouse, type House } from "./house.ts";
import { openReceiver, setHooks, type Message, type Receiver, type Reply } from "./receiver.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const stream = (serial: number) => `00000000-0000-4000-8000-${String(serial).padStart(12, "0")}`;
const calls = async (count: number) => {
  for (let serial = 0; serial < count; serial++) {
    await send(house.server, house.site, phoneCall({ serial }).events, { stream: stream(serial + 1) });
  }
};
const STEPS = ["start", "dial", "bridge", "hangup"];
const idOf = ({ body }: Message) => body.data.event_id;

/** As if retries and pauses were due now. */
async function hurry(): Promise<void> {
  await house.office.rows("UPDATE deliveries SET next_attempt_at = NULL WHERE state = 'waiting'");
  await house.office.rows("UPDATE delivery_circuits SET open_until = now() WHERE open_until > now()");
  await house.office.rows("UPDATE graphile_worker._private_jobs SET run_at = now() WHERE run_at > now()");
}

async function hurryUntilSent(msMax: number): Promise<void> {
  const until = performance.now() + msMax;
  while ((await house.waiting()) > 0 && performance.now() < until) {
    await hurry();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(await house.waiting()).toBe(0);
}

describe("a receiver in trouble", () => {
  it("in a storm of failures of every kind gets each message, in order, and each repeat says so", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    const kinds: Reply[] = [500, 502, 503, "reset", "garbage", "hang", "hang body", 204, 204, 204, 204, 204];
    const accepted = new Map<string, Set<string>>();
    let turn = 0;
    house.receiver.answer = ({ body: { data } }) => {
      const how = kinds[(turn++ * 7) % kinds.length]!;
      if (how === 204 || how === "hang body") {
        // An answer that came too late is asked for again.
        accepted.set(data.call.unique_id, (accepted.get(data.call.unique_id) ?? new Set()).add(data.step));
      }
      return how;
    };
    house.start({ sender: webhookSender({ timeoutMs: 500 }) });
    await calls(12);
    await hurryUntilSent(60_000);
    expect([...accepted.values()].map((steps) => [...steps])).toEqual(Array.from({ length: 12 }, () => STEPS));
    for (const [, repeats] of Map.groupBy(house.receiver.got, idOf)) {
      expect(repeats.map(({ body }) => body.data.attempt)).toEqual(repeats.map((_, at) => at + 1));
    }
    expect(house.receiver.got.length).toBeGreaterThan(48);
    const flags = await house.office.rows("SELECT DISTINCT integration_sent, processed FROM call_events");
    expect(flags).toEqual([{ integration_sent: true, processed: true }]);
  }, 90_000);

  it("that asks for a pause (429) is left alone so long, then gets everything once", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    let firstRefusal = 0;
    const acceptedAt: number[] = [];
    house.receiver.answer = () => {
      firstRefusal ||= performance.now();
      if (performance.now() - firstRefusal < 1_500) return 429;
      acceptedAt.push(performance.now());
      return 204;
    };
    house.receiver.headers = { "retry-after": "2" };
    house.start();
    await calls(30);
    await expect.poll(house.waiting, { timeout: 30_000, interval: 200 }).toBe(0);
    expect(Math.min(...acceptedAt) - firstRefusal).toBeGreaterThan(1_900);
    expect(acceptedAt).toHaveLength(30);
    // Those that were on their way when the first was refused.
    expect(house.receiver.got.length - acceptedAt.length).toBeLessThanOrEqual(DELIVERY_LIMITS.perTargetMax);
  }, 40_000);

  it("that was away long is told only what is true now, once", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    house.receiver.answer = () => 503;
    house.start();
    const [ended, running] = [phoneCall(), phoneCall({ serial: 1 })];
    await send(house.server, house.site, ended.events, { stream: stream(1) });
    const bridged = running.events.findLastIndex(({ ev }) => ev.Event === "BridgeEnter") + 1;
    await send(house.server, house.site, running.events.slice(0, bridged), { stream: stream(2) });
    await expect.poll(() => house.receiver.got.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await house.stop();
    await house.office.rows("UPDATE deliveries SET created_at = created_at - interval '61 s'");
    house.receiver.answer = () => 204;
    house.receiver.got.length = 0;
    house.start();
    await hurryUntilSent(20_000);
    const told = house.receiver.got.map(({ body }) => [body.data.call.unique_id, body.data.step, body.data.delayed]);
    expect(told.toSorted()).toEqual([
      [ended.linkedid, "hangup", true],
      [running.linkedid, "bridge", true],
    ]);
    const rows = await house.office.rows(
      `SELECT deliveries.state, count(*)::int FROM deliveries JOIN calls ON calls.id = call_id
       WHERE calls.unique_id = $1 GROUP BY 1 ORDER BY 1`,
      [ended.linkedid],
    );
    expect(rows).toEqual([
      { state: "sent", count: 1 },
      { state: "superseded", count: 3 },
    ]);
    expect(await house.office.rows("SELECT DISTINCT processed FROM call_events")).toEqual([{ processed: true }]);
    await send(house.server, house.site, running.events.slice(bridged), {
      stream: stream(2),
      highestSeq: running.events.length,
    });
    await expect
      .poll(() => house.receiver.got.at(-1)?.body.data, { timeout: 5_000 })
      .toMatchObject({
        step: "hangup",
        call: { unique_id: running.linkedid },
      });
  }, 60_000);

  it("that answers slowly delays nobody but itself, and itself not more than eight calls at once", async () => {
    const slow = await openReceiver();
    slow.delayMs = 5_000;
    await setHooks(house.office, [
      { name: "slow", url: slow.url, events: ["hangup"] },
      { name: "well", url: house.receiver.url, events: ["hangup"] },
    ]);
    house.start();
    await calls(40);
    // Eight at once, each of five seconds: in this time no forty.
    await expect.poll(() => house.receiver.got.length, { timeout: 20_000 }).toBe(40);
    expect(slow.got.length).toBeLessThan(40);
    slow.delayMs = 0;
    await expect.poll(house.waiting, { timeout: 20_000 }).toBe(0);
    expect(slow.got).toHaveLength(40);
    await slow.close();
  }, 40_000);
});

it("a backlog larger than a server keeps in memory is told to the end, each message once", async () => {
  await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
  const total = DELIVERY_LIMITS.perTargetWaitingMax + 300;
  for (let serial = 0; serial < total; serial += 50) {
    const many = Array.from({ length: 50 }, (_, n) => phoneCall({ serial: serial + n }).events);
    const events = many.flat().map((event, at) => ({ ...event, seq: at + 1 }));
    await send(house.server, house.site, events, { stream: stream(serial + 1) });
  }
  await house.office.rows("DELETE FROM graphile_worker._private_jobs");
  await house.office.rows("UPDATE deliveries SET created_at = created_at - interval '10 s'");
  house.start();
  await expect.poll(house.waiting, { timeout: 60_000 }).toBe(0);
  expect(new Set(house.receiver.got.map(idOf)).size).toBe(total);
  expect(house.receiver.got).toHaveLength(total);
}, 120_000);

describe("a redirect", () => {
  it("is followed only when allowed, and not for ever", async () => {
    const [from, loop] = [await openReceiver(), await openReceiver()];
    const redirect = (receiver: Receiver, location: string) => {
      receiver.answer = () => 308;
      receiver.headers = { location };
    };
    redirect(from, house.receiver.url);
    redirect(loop, loop.url);
    await setHooks(house.office, [
      { name: "from", url: from.url, events: ["hangup"], allow_redirects: true },
      { name: "loop", url: loop.url, events: ["hangup"], allow_redirects: true },
      { name: "never", url: from.url, events: ["hangup"] },
    ]);
    house.start();
    await calls(1);
    const rows = () => house.office.rows("SELECT target, state, last_error AS error FROM deliveries ORDER BY target");
    await expect.poll(rows, { timeout: 5_000 }).toEqual([
      { target: "from", state: "sent", error: null },
      { target: "loop", state: "waiting", error: "answered 308; too many redirects" },
      { target: "never", state: "waiting", error: "answered 308; redirects are not followed" },
    ]);
    expect(house.receiver.got).toHaveLength(1);
    expect(loop.got).toHaveLength(1 + DELIVERY_LIMITS.redirectsMax);

    for (const one of [from, loop]) await one.close();
  });
});

describe("a webhook's name", () => {
  it("that leads to this machine is refused at the moment of connecting", async () => {
    const url = house.receiver.url.replace("127.0.0.1", "crm.example.com");
    await setHooks(house.office, [{ url, events: ["hangup"], allow_private: false }]);
    let asked = 0;
    const resolve = async () => {
      asked++;
      return [
        { address: "127.0.0.1", family: 4 },
        { address: "::ffff:10.0.0.1", family: 6 },
      ];
    };
    house.start({ sender: webhookSender({ resolve }) });
    await calls(1);
    const errors = () => house.office.rows("SELECT state, last_error FROM deliveries");
    await expect
      .poll(errors, { timeout: 5_000 })
      .toEqual([{ state: "waiting", last_error: expect.stringContaining("crm.example.com is a private address") }]);
    expect(asked).toBe(1);
    expect(house.receiver.got).toEqual([]);
  });

  it("whose servers are silent delays no other webhook", async () => {
    const silent = house.receiver.url.replace("127.0.0.1", "silent.example.com");
    await setHooks(house.office, [
      { name: "silent", url: silent, events: ["hangup"] },
      { name: "well", url: house.receiver.url.replace("127.0.0.1", "well.example.com"), events: ["hangup"] },
    ]);
    const resolve = (name: string) =>
      name.startsWith("silent")
        ? new Promise<never>(() => undefined)
        : Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
    house.start({ sender: webhookSender({ resolve, timeoutMs: 1_000 }) });
    await calls(20);
    await expect.poll(() => house.receiver.got.length, { timeout: 5_000 }).toBe(20);
    const errors = () =>
      house.office.rows(
        "SELECT DISTINCT last_error FROM deliveries WHERE target = 'silent' AND last_error IS NOT NULL",
      );
    await expect.poll(errors, { timeout: 5_000 }).toEqual([{ last_error: "no answer within 1 s" }]);
  });
});
