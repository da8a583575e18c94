import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DELIVERY_LIMITS } from "../../server/deliver/limits.ts";
import { WebhookBody } from "../../server/deliver/webhook-body.ts";
import { retryDeliveries } from "../../server/store/listDeliveries.ts";
import { send } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { openHouse, type House } from "./house.ts";
import { openReceiver, setHooks } from "./receiver.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const steps = () => house.receiver.got.map(({ body }) => body.data.step);
const states = async () =>
  (await house.office.rows<{ state: string }>("SELECT state FROM deliveries ORDER BY id")).map(({ state }) => state);
const flags = () =>
  house.office.rows(
    `SELECT event_type AS step, needs_integration AS needed, integration_sent AS sent, processed
     FROM call_events ORDER BY call_id, event_sequence`,
  );
const told = (step: string) => ({ step, needed: true, sent: true, processed: true });
const asDownloaded = (events: ReturnType<typeof phoneCall>["events"]) =>
  events.map((event) => ({ ...event, origin: "downloaded" as const }));

describe("a webhook", () => {
  it("is told every step of a call in order, signed, by the documented schema, and the flags say so", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    house.start();
    const { events, linkedid } = phoneCall();
    await send(house.server, house.site, events);
    await expect.poll(steps, { timeout: 5_000 }).toEqual(["start", "dial", "bridge", "hangup"]);
    for (const { headers, body } of house.receiver.got) {
      expect(headers["webhook-id"]).toBe(body.data.event_id);
      expect(body.data).toMatchObject({ enterprise: "0367", attempt: 1, source: "live" });
      expect(body.data.call).toMatchObject({ unique_id: linkedid, call_type: "incoming", phone_number: "0501112233" });
    }
    const hangup = house.receiver.got.at(-1)!.body.data;
    expect(hangup.call).toMatchObject({ call_status: "answered", duration: 13, merged_into: null });
    expect(hangup.participants).toMatchObject([{ extension: "150", status: "answered" }]);
    await expect.poll(flags, { timeout: 5_000 }).toEqual(["start", "dial", "bridge", "hangup"].map(told));
    expect(new Set(house.receiver.got.map(({ body }) => body.data.event_id)).size).toBe(4);
  });

  it("gets only the steps it asked for, and an enterprise with nothing on owes nothing", async () => {
    const other = await house.office.site("0368");
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    house.start();
    await send(house.server, house.site, phoneCall().events);
    await send(house.server, other, phoneCall().events, { stream: "00000000-0000-4000-8000-000000000002" });
    await expect.poll(steps, { timeout: 5_000 }).toEqual(["hangup"]);
    expect(await house.office.rows("SELECT enterprise_id, event_type FROM deliveries")).toEqual([
      { enterprise_id: "0367", event_type: "hangup" },
    ]);
  });

  it("is told of a replayed backlog only by its hangups, marked downloaded", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    house.start();
    for (const serial of [0, 1, 2]) {
      const { events } = phoneCall({ serial, from: 1 + serial * 100 });
      const stream = `00000000-0000-4000-8000-00000000001${serial}`;
      await send(house.server, house.site, asDownloaded(events.map((event, at) => ({ ...event, seq: at + 1 }))), {
        stream,
      });
    }
    await expect.poll(steps, { timeout: 5_000 }).toEqual(["hangup", "hangup", "hangup"]);
    expect(house.receiver.got.map(({ body }) => [body.data.source, body.data.delayed])).toEqual(
      Array.from({ length: 3 }, () => ["downloaded", true]),
    );
  });

  it("that fails is tried again with the same id, in order, and says which attempt it is", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    let failures = 1;
    house.receiver.answer = () => (failures-- > 0 ? 500 : 200);
    house.start();
    await send(house.server, house.site, phoneCall().events);
    await expect.poll(steps, { timeout: 15_000 }).toEqual(["start", "start", "dial", "bridge", "hangup"]);
    const [first, again] = house.receiver.got.map(({ body }) => body.data);
    expect(again).toMatchObject({ event_id: first!.event_id, attempt: 2 });
    await expect.poll(flags).toEqual(["start", "dial", "bridge", "hangup"].map(told));
  });

  it("that redirects or is at a private address is not followed, and waits with the reason", async () => {
    house.receiver.answer = () => 302;
    house.receiver.headers = { location: `${house.receiver.url}/elsewhere` };
    const inside = house.receiver.url.replace("127.0.0.1", "localhost");
    await setHooks(house.office, [
      { url: house.receiver.url, events: ["hangup"] },
      { name: "literal", url: house.receiver.url, events: ["hangup"], allow_private: false },
      { name: "named", url: inside, events: ["hangup"], allow_private: false },
    ]);
    house.start();
    await send(house.server, house.site, phoneCall().events);
    const errors = () => house.office.rows("SELECT target, state, last_error FROM deliveries ORDER BY target");
    await expect.poll(errors, { timeout: 5_000 }).toEqual([
      { target: "crm", state: "waiting", last_error: "answered 302; redirects are not followed" },
      { target: "literal", state: "waiting", last_error: expect.stringContaining("127.0.0.1 is a private address") },
      { target: "named", state: "waiting", last_error: expect.stringContaining("localhost is a private address") },
    ]);
    expect(house.receiver.got).toHaveLength(1);
  });

  it("that is gone (410) is given up at once, says so, and can be sent again", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    house.receiver.answer = () => 410;
    house.start();
    await send(house.server, house.site, phoneCall().events);
    await expect.poll(states, { timeout: 5_000 }).toEqual(["given_up"]);
    expect((await flags()).at(-1)).toEqual({ step: "hangup", needed: true, sent: false, processed: true });
    house.receiver.answer = () => 200;
    expect(await retryDeliveries(house.office.db.pool, null)).toBe(1);
    await expect.poll(states, { timeout: 15_000 }).toEqual(["sent"]);
    await expect.poll(async () => (await flags()).at(-1)).toEqual(told("hangup"));
  });

  it("is given up after a day of failures", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    house.receiver.answer = () => 500;
    await send(house.server, house.site, phoneCall().events);
    await house.office.rows("UPDATE deliveries SET retry_since = now() - interval '25 hours'");
    house.start();
    await expect.poll(states, { timeout: 5_000 }).toEqual(["given_up"]);
    expect(house.receiver.got).toHaveLength(1);
  });

  it("that is left alone for a day has what waited for it given up, unsent", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    await send(house.server, house.site, phoneCall().events);
    await house.office.rows(
      "UPDATE deliveries SET created_at = now() - interval '25 hours', retry_since = now() - interval '25 hours'",
    );
    await house.office.rows(
      "INSERT INTO delivery_circuits VALUES ('0367', 'webhook', 'crm', 9, now() + interval '1 hour')",
    );
    house.start();
    await expect.poll(states, { timeout: 15_000 }).toEqual(["given_up"]);
    expect(house.receiver.got).toEqual([]);
  });

  it("that does not answer holds up nobody else", async () => {
    const stuck = await openReceiver();
    stuck.answer = () => "hang";
    await setHooks(house.office, [
      { name: "stuck", url: stuck.url },
      { name: "well", url: house.receiver.url },
    ]);
    house.start();
    for (let serial = 0; serial < 20; serial++) {
      const { events } = phoneCall({ serial });
      const stream = `00000000-0000-4000-8000-0000000001${String(serial).padStart(2, "0")}`;
      await send(house.server, house.site, events, { stream });
    }
    await expect.poll(() => house.receiver.got.length, { timeout: 8_000 }).toBe(80);
    expect(stuck.got.length).toBeLessThanOrEqual(DELIVERY_LIMITS.perTargetMax);
    await stuck.close();
  });

  it("that fails five times in a row is left alone, and goes on when the pause is over", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    house.receiver.answer = () => 503;
    house.start();
    for (let serial = 0; serial < 24; serial++) {
      const stream = `00000000-0000-4000-8000-0000000003${String(serial).padStart(2, "0")}`;
      await send(house.server, house.site, phoneCall({ serial }).events, { stream });
    }
    const open = () => house.office.rows("SELECT failures >= 5 AND open_until > now() AS open FROM delivery_circuits");
    await expect.poll(open, { timeout: 5_000 }).toEqual([{ open: true }]);
    expect(house.receiver.got.length).toBeLessThan(20);
    house.receiver.answer = () => 200;
    await house.office.rows("UPDATE delivery_circuits SET open_until = now()");
    await house.office.rows("UPDATE deliveries SET next_attempt_at = NULL, created_at = now() - interval '10 s'");
    await expect.poll(house.waiting, { timeout: 20_000 }).toBe(0);
    expect(await open()).toEqual([]);
    expect(new Set(house.receiver.got.map(({ body }) => body.data.event_id)).size).toBe(24);
  });

  it("that is dropped while it is left alone has what waited for it given up within seconds", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    for (const serial of [0, 1, 2]) {
      const stream = `00000000-0000-4000-8000-00000000040${serial}`;
      await send(house.server, house.site, phoneCall({ serial }).events, { stream });
    }
    await house.office.rows(
      "INSERT INTO delivery_circuits VALUES ('0367', 'webhook', 'crm', 9, now() + interval '2 s')",
    );
    await setHooks(house.office, []);
    await house.office.rows("UPDATE deliveries SET created_at = now() - interval '10 s'");
    house.start();
    await expect.poll(house.waiting, { timeout: 10_000 }).toBe(0);
    expect(new Set(await states())).toEqual(new Set(["given_up"]));
    expect(await house.office.rows("SELECT DISTINCT processed FROM call_events")).toEqual([{ processed: true }]);
    expect(house.receiver.got).toEqual([]);
  });

  it("gets every message once from two servers that share the work", async () => {
    await setHooks(house.office, [{ url: house.receiver.url }]);
    house.start();
    house.start();
    for (let serial = 0; serial < 20; serial++) {
      const stream = `00000000-0000-4000-8000-0000000002${String(serial).padStart(2, "0")}`;
      await send(house.server, house.site, phoneCall({ serial }).events, { stream });
    }
    await expect.poll(house.waiting, { timeout: 15_000 }).toBe(0);
    expect(house.receiver.got).toHaveLength(80);
    const byCall = Map.groupBy(house.receiver.got, ({ body }) => body.data.call.unique_id);
    expect(byCall.size).toBe(20);
    for (const [, messages] of byCall) {
      expect(messages.map(({ body }) => body.data.step)).toEqual(["start", "dial", "bridge", "hangup"]);
    }
  });

  it("is sent what a server that died was sending, marked as a second attempt", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    await send(house.server, house.site, phoneCall().events);
    await house.office.rows(
      "UPDATE deliveries SET attempts = 1, claimed_until = now() - interval '10 s', created_at = now() - interval '1 min'",
    );
    await house.office.rows("DELETE FROM graphile_worker._private_jobs");
    house.start();
    await expect.poll(states, { timeout: 15_000 }).toEqual(["sent"]);
    expect(house.receiver.got.map(({ body }) => body.data.attempt)).toEqual([2]);
  });

  it("waits, unsent, while the server has not the key of its secret", async () => {
    await setHooks(house.office, [{ url: house.receiver.url, events: ["hangup"] }]);
    house.start({ secretKey: "quite another key of some length" });
    await send(house.server, house.site, phoneCall().events);
    await expect
      .poll(() => house.office.rows("SELECT state, last_error FROM deliveries"), { timeout: 5_000 })
      .toEqual([{ state: "waiting", last_error: expect.stringContaining("RINGPOST_SECRET_KEY") }]);
    expect(house.receiver.got).toEqual([]);
  });
});

it("docs/webhook.schema.json is the schema of the body", () => {
  const file = new URL("../../docs/webhook.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(WebhookBody)));
});
