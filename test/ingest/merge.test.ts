import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { openOffice, send, type Office, type Server, type Site } from "./office.ts";
import { phoneCall } from "./phone-call.ts";

let office: Office;
let server: Server;
let site: Site;

beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
});
afterEach(() => office.close());

const first = phoneCall({ serial: 1 });
const second = phoneCall({ serial: 2, from: 101, number: "0502223344" });
/** What a transfer or a pickup shows: a channel of the younger call bears the older Linkedid. */
const joins = (seq: number) => {
  const ev: AmiEvent = { Event: "NewConnectedLine", Uniqueid: second.linkedid, Linkedid: first.linkedid };
  return { seq, at: second.events[5]!.at, origin: "live" as const, ev };
};
const fillers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => ({
    seq: from + at,
    at: 1,
    origin: "live" as const,
    ev: { Event: "DeviceStateChange" },
  }));

async function runBoth(): Promise<void> {
  await send(server, site, [...first.events.slice(0, 7), ...fillers(8, 100), ...second.events.slice(0, 7)]);
}
const steps = () =>
  office.rows<{
    id: string;
    leg: string;
    event_type: string;
    telegram_sent: boolean;
    call_id: string;
    unique_id: string;
  }>("SELECT id, leg, event_type, telegram_sent, call_id, unique_id FROM call_events ORDER BY id");

describe("two calls that turn out to be one", () => {
  it("become the older one, whose row stays, and all their ids lead to it", async () => {
    await runBoth();
    const [older] = await office.rows<{ id: string }>("SELECT id FROM calls WHERE linkedid = $1", [first.linkedid]);
    expect(await office.rows("SELECT FROM calls")).toHaveLength(2);
    await send(server, site, [joins(108)]);

    expect(await office.rows("SELECT id, unique_id, linkedid FROM calls")).toEqual([
      { id: older!.id, unique_id: first.linkedid, linkedid: first.linkedid },
    ]);
    const links = await office.rows<{ call_id: string }>("SELECT DISTINCT call_id FROM call_links");
    expect(links).toEqual([{ call_id: older!.id }]);
    const people = await office.rows(
      "SELECT call_id, extension, ring_order FROM call_participants ORDER BY ring_order",
    );
    expect(people).toMatchObject([{ call_id: older!.id, extension: "150", ring_order: 1 }, { ring_order: 2 }]);
  });

  it("keep every step that was sent, with its identity, under the call that stays", async () => {
    await runBoth();
    await office.rows("UPDATE call_events SET telegram_sent = TRUE");
    const before = await steps();
    expect(before.length).toBeGreaterThan(4);
    await send(server, site, [joins(108)]);

    const after = await steps();
    const [call] = await office.rows<{ id: string }>("SELECT id FROM calls");
    const kept = new Map(after.map((step) => [step.id, step]));
    for (const step of before) {
      expect(kept.get(step.id)).toEqual({ ...step, call_id: call!.id, unique_id: first.linkedid });
    }
  });

  it("take their deliveries along, and who was told the start of the one that goes is owed its hangup", async () => {
    await runBoth();
    await office.rows(
      `INSERT INTO deliveries (enterprise_id, call_id, site_id, leg, event_type, nth, channel, target, state, attempts)
       SELECT '0367', call_id, site_id, leg, event_type, nth, 'webhook', 'crm', 'sent', 1 FROM call_events`,
    );
    const count = (await office.rows("SELECT FROM deliveries")).length;
    const before = await steps();
    await send(server, site, [joins(108)]);
    const [call] = await office.rows<{ id: string }>("SELECT id FROM calls");
    expect(await office.rows("SELECT call_id, count(*)::int FROM deliveries GROUP BY 1")).toEqual([
      { call_id: call!.id, count: count + 1 },
    ]);
    expect(await office.rows("SELECT event_type, nth, state FROM deliveries WHERE merged")).toEqual([
      { event_type: "hangup", nth: 0, state: "waiting" },
    ]);
    expect((await steps()).map(({ id }) => id)).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
  });

  it("give back steps that nobody was told of and that are none any more", async () => {
    await runBoth();
    await send(server, site, [joins(108)]);
    const starts = await office.rows("SELECT leg FROM call_events WHERE event_type = 'start'");
    expect(starts).toEqual([{ leg: first.linkedid }]);
  });

  it("end as one call with one hangup, the same as when they came in one piece", async () => {
    const rest = first.events.slice(7).map((e, at) => ({ ...e, seq: 109 + at }));
    const more = second.events.slice(7).map((e, at) => ({ ...e, seq: 109 + rest.length + at }));
    await runBoth();
    await send(server, site, [joins(108)]);
    await send(server, site, [...rest, ...more]);
    const tell = (id: number) =>
      office.rows(
        `SELECT call_status, state, event_count, main_extension, (SELECT json_agg((event_type, event_sequence, leg, nth)
           ORDER BY event_sequence) FROM call_events e WHERE e.call_id = c.id) AS steps FROM calls c WHERE site_id = $1`,
        [id],
      );
    const pieces = await tell(site.id);
    const whole = await office.site("0367", "10.88.10.12");
    const all = [
      ...first.events.slice(0, 7),
      ...fillers(8, 100),
      ...second.events.slice(0, 7),
      joins(108),
      ...rest,
      ...more,
    ];
    await send(server, whole, all, { stream: crypto.randomUUID() });
    expect(pieces).toMatchObject([{ state: "final", call_status: "answered" }]);
    expect(pieces).toEqual(await tell(whole.id));
  });
});
