import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import { heartbeat, openOffice, send, type Office, type Server, type Site } from "./office.ts";
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

const call = phoneCall();
const count = call.events.length;
const state = () =>
  office.rows(
    `SELECT state, call_status, duration, end_time IS NULL AS open, raw_data IS NULL AS bare,
       (SELECT count(*)::int FROM call_events e WHERE e.call_id = c.id AND event_type = 'hangup') AS hangups
     FROM calls c ORDER BY linkedid`,
  );
const OPEN = { call_status: null, duration: null, open: true, bare: true, hangups: 0 };
const ANSWERED = { state: "final", call_status: "answered", duration: 13, open: false, bare: false, hangups: 1 };
const marker = (seq: number, ev: AmiEvent) => ({ seq, at: Date.now(), origin: "live" as const, ev });
const filler = (seq: number) => marker(seq, { Event: "DeviceStateChange", Device: "PJSIP/150", State: "NOT_INUSE" });

describe("a call", () => {
  it("that runs has no status, no end, no hangup step and no raw data, and gets them at its last hangup", async () => {
    for (const event of call.events.slice(0, -1)) {
      await send(server, site, [event]);
      for (const row of await state()) expect(row).toEqual({ ...OPEN, state: "running" });
    }
    await send(server, site, call.events.slice(-1));
    expect(await state()).toEqual([ANSWERED]);
  });

  it("whose Hangup overtook its own backlog stays open until the backlog is in, at every moment", async () => {
    const [head, tail] = [call.events.slice(0, 2), call.events.slice(-3)];
    await send(server, site, [...head, ...tail]);
    expect(await state()).toEqual([{ ...OPEN, state: "ended" }]);
    for (const event of call.events.slice(2, -4)) {
      await send(server, site, [event], { lane: "backlog" });
      expect(await state()).toEqual([{ ...OPEN, state: "ended" }]);
    }
    expect(await office.rows("SELECT participant_status FROM call_participants")).toEqual([
      { participant_status: "answered" },
    ]);
    await send(server, site, call.events.slice(-4, -3), { lane: "backlog" });
    await expect.poll(state).toEqual([ANSWERED]);
  });

  it("that nobody has answered yet is not told as missed while events are missing", async () => {
    await send(server, site, [...call.events.slice(0, 3), ...call.events.slice(-3)]);
    expect(await office.rows("SELECT participant_status, disconnect_reason FROM call_participants")).toEqual([
      { participant_status: "dialing", disconnect_reason: null },
    ]);
    expect(await office.rows("SELECT FROM call_events")).toEqual([]);
  });

  it("waiting for a hole becomes final when a batch that does not touch it fills the hole", async () => {
    const first = call.events.slice(0, 6);
    const rest = call.events.slice(6).map((event) => ({ ...event, seq: event.seq + 3 }));
    await send(server, site, [...first, ...rest]);
    expect(await state()).toEqual([{ ...OPEN, state: "ended" }]);
    await send(server, site, [filler(7), filler(9)], { lane: "backlog" });
    await send(server, site, [filler(8)], { lane: "backlog" });
    await expect.poll(state).toEqual([ANSWERED]);
  });

  it("waiting for events that a gap says are gone becomes final with the gap", async () => {
    const rest = call.events.slice(6).map((event) => ({ ...event, seq: event.seq + 3 }));
    await send(server, site, [...call.events.slice(0, 6), ...rest]);
    const gap = { Event: MARKERS.gap, From: "1", To: "2", Cause: "outbox_full", FromSeq: "7", ToSeq: "9", Count: "3" };
    await send(server, site, [marker(count + 4, gap)]);
    await expect.poll(state).toEqual([ANSWERED]);
    const later = await heartbeat(server, site, { oldestUnacked: null, highestSeq: count + 4 });
    expect(later.commands).toEqual([]);
  });

  it("left waiting by a server that died is finished by the next heartbeat", async () => {
    await send(server, site, [...call.events.slice(0, 4), ...call.events.slice(-3)]);
    await office.rows("UPDATE streams SET received = received + $1::int8multirange", [`{[5,${count - 3}]}`]);
    expect(await state()).toEqual([{ ...OPEN, state: "ended" }]);
    await heartbeat(await office.server(), site);
    await expect.poll(async () => (await state())[0]).toMatchObject({ state: "final", hangups: 1 });
  });
});

describe("a restart of Asterisk", () => {
  const restarted = (seq: number) => marker(seq, { Event: MARKERS.asteriskRestarted, AsteriskStarted: "1700000100" });

  it("closes every open call of the site, and no other site's", async () => {
    const other = await office.site("0368", "10.88.10.11");
    const stream = crypto.randomUUID();
    await send(server, site, call.events.slice(0, 5));
    await send(server, other, call.events.slice(0, 5), { stream });
    await send(server, site, [restarted(6)]);
    const rows = await office.rows(
      "SELECT site_id, state, extra_data ->> 'completeness' AS how FROM calls ORDER BY site_id",
    );
    expect(rows).toEqual([
      { site_id: site.id, state: "final", how: "inferred_end" },
      { site_id: other.id, state: "running", how: null },
    ]);
    const [{ raw }] = (await office.rows<{ raw: { seq: number; site?: boolean }[] }>(
      "SELECT raw_data AS raw FROM calls WHERE state = 'final'",
    )) as [{ raw: { seq: number; site?: boolean }[] }];
    expect(raw.map(({ seq, site }) => [seq, site === true])).toEqual(
      [1, 2, 3, 4, 5].map((s) => [s, false]).concat([[6, true]]),
    );
  });

  it("closes nothing for good while something below it is missing", async () => {
    await send(server, site, call.events.slice(0, 5));
    await send(server, site, [restarted(count + 1)]);
    expect(await state()).toEqual([{ ...OPEN, state: "ended" }]);
    await send(server, site, call.events.slice(5), { lane: "backlog" });
    await expect.poll(state).toEqual([ANSWERED]);
  });

  it("that came before a call's own backlog closes the call when the backlog is in", async () => {
    const lost = { Event: MARKERS.captureLost, Cause: "ami_lost", Since: String(call.events[7]!.at) };
    await send(server, site, [marker(9, lost), restarted(10)]);
    await send(server, site, call.events.slice(0, 8), { lane: "backlog" });
    await expect.poll(async () => (await state())[0]).toMatchObject({ state: "final", call_status: "answered" });
  });
});

describe("an event that comes after its call is final", () => {
  it("changes the call but neither the identity of its steps nor what was sent", async () => {
    await send(server, site, call.events);
    const steps =
      "SELECT id, leg, event_type, nth, event_sequence, telegram_sent FROM call_events ORDER BY event_sequence";
    await office.rows("UPDATE call_events SET telegram_sent = TRUE WHERE event_type = 'hangup'");
    const before = await office.rows(steps);
    const late = {
      Event: "DTMFEnd",
      Uniqueid: call.linkedid,
      Linkedid: call.linkedid,
      Digit: "5",
      Direction: "Received",
    };
    await send(server, site, [marker(count + 1, late)]);
    expect(await state()).toEqual([ANSWERED]);
    expect(await office.rows(steps)).toEqual(before);
    expect(await office.rows("SELECT event_count, jsonb_array_length(raw_data) AS kept FROM calls")).toEqual([
      { event_count: count + 1, kept: count + 1 },
    ]);
  });

  it("is told from what the call kept when the raw log is cleared", async () => {
    await send(server, site, call.events);
    await office.rows("TRUNCATE ami_events");
    const late = { Event: "VarSet", Uniqueid: call.linkedid, Linkedid: call.linkedid, Variable: "X", Value: "1" };
    await send(await office.server(), site, [marker(count + 1, late)]);
    expect(await state()).toEqual([ANSWERED]);
    expect(await office.rows("SELECT event_count, jsonb_array_length(raw_data) AS kept FROM calls")).toEqual([
      { event_count: count + 1, kept: count + 1 },
    ]);
  });
});
