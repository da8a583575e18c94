import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import { assemble, type AssembledCall, type CallEvent } from "../../server/assemble/index.ts";
import { blindBetween, type Blind } from "../support/blind.ts";
import { capture, captureNames } from "../support/captures.ts";
import { celRowsOf } from "../support/recovered.ts";
import { storedCalls } from "../support/stored-calls.ts";
import { LAB } from "../support/truth-directory.ts";
import { eventsOf } from "../support/truth-events.ts";
import { eventually, heartbeat, openOffice, send, STREAM, type Office, type Server, type Site } from "./office.ts";

let office: Office;
let server: Server;
let site: Site;
let nowMs: number;

beforeEach(async () => {
  office = await openOffice();
  nowMs = 1_795_500_000_000;
  server = await office.server({ now: () => nowMs });
  site = await office.site();
});
afterEach(() => office.close());

const FILE = "00000000-0000-4000-8000-00000000ce10";
const NAMES = captureNames().filter((name) => !name.includes("load300"));

/** The agent was blind from when the phone rang until all was over. */
function missedAnswer(): Blind & { from: number; to: number } {
  const events = eventsOf(capture("22/incoming_answered"), "recommended");
  const rings = events.find(({ ev }) => ev.Event === "DialBegin")!.at;
  const to = events.at(-1)!.at + 1_000;
  return { ...blindBetween(events, celRowsOf("22/incoming_answered"), rings, to), from: rings, to };
}

async function sendLive(live: readonly CallEvent[], more: { to?: Site; stream?: string } = {}): Promise<void> {
  const { to = site, stream = STREAM } = more;
  await send(server, to, live, { stream, highestSeq: live.at(-1)?.seq ?? 0 });
}

async function sendRows(rows: readonly CallEvent[], more: { to?: Site; stream?: string } = {}): Promise<void> {
  const { to = site, stream = FILE } = more;
  if (rows.length === 0) return;
  const span: [number, number] = [rows[0]!.seq, rows.at(-1)!.seq];
  await send(server, to, rows, { stream, lane: "backlog", kind: "file", span, highestSeq: span[1] });
}

/** The marker that ends a repair, next in the stream. */
function outcome(live: readonly CallEvent[], { from, to }: { from: number; to: number }, more: object = {}): CallEvent {
  const told = { From: String(from), To: String(to), Source: "cel_csv", Rows: "12", Result: "complete", ...more };
  const ev: AmiEvent = { Event: MARKERS.recovered, ...told };
  return { stream: 1, seq: (live.at(-1)?.seq ?? 0) + 1, at: to + 3_000, origin: "live", ev };
}

const stateRow = async () => {
  const rows = await office.rows(
    `SELECT state, call_status, data_source, extra_data ->> 'completeness' AS completeness,
       (SELECT count(*)::int FROM call_events e WHERE e.call_id = c.id AND event_type = 'hangup') AS hangups
     FROM calls c WHERE site_id = $1`,
    [site.id],
  );
  return rows;
};
const gaps = () => office.rows("SELECT cause, repaired_by, repaired_at IS NOT NULL AS repaired, detail FROM gaps");

describe("a call that was answered while nobody listened", () => {
  it("is not told as missed: it has no outcome until what was missed has been read", async () => {
    const blind = missedAnswer();
    await sendLive(blind.live);
    await heartbeat(server, site, { highestSeq: blind.live.length });
    expect(await stateRow()).toEqual([
      { state: "ended", call_status: null, data_source: "live", completeness: "inferred_end", hangups: 0 },
    ]);
    await sendRows(blind.rows);
    expect((await stateRow())[0]).toMatchObject({ state: "ended", call_status: null, hangups: 0 });
    await sendLive([outcome(blind.live, blind)]);
    await eventually(async () =>
      expect(await stateRow()).toEqual([
        { state: "final", call_status: "answered", data_source: "downloaded", completeness: "recovered", hangups: 1 },
      ]),
    );
    expect(await gaps()).toEqual([{ cause: "ami_lost", repaired_by: "cel", repaired: true, detail: null }]);
  });

  it("waits for its own time: what was read for a blindness that ended seconds before tells nothing of it", async () => {
    const blind = missedAnswer();
    await sendLive(blind.live);
    await sendLive([outcome(blind.live, { from: blind.from - 60_000, to: blind.to - 4_000 })]);
    await heartbeat(server, site, { highestSeq: blind.live.length + 1 });
    expect((await stateRow())[0]).toMatchObject({ state: "ended", call_status: null, hangups: 0 });
    await sendRows(blind.rows);
    const own = outcome(blind.live, blind);
    await sendLive([{ ...own, seq: own.seq + 1 }]);
    await eventually(async () => expect((await stateRow())[0]).toMatchObject({ call_status: "answered", hangups: 1 }));
  });

  it("waits also where nothing was heard of it for long before the agent was killed", async () => {
    const blind = missedAnswer();
    const times = { From: String(blind.to - 1_000), To: String(blind.to) };
    const gap = { Event: MARKERS.gap, Cause: "agent_down", ...times };
    const isLost = ({ ev }: CallEvent): boolean => ev.Event === MARKERS.captureLost;
    await sendLive(blind.live.map((event) => (isLost(event) ? { ...event, ev: gap } : event)));
    await heartbeat(server, site, { highestSeq: blind.live.length });
    expect((await stateRow())[0]).toMatchObject({ state: "ended", call_status: null, hangups: 0 });
  });

  it("waits also where the word of what was read for a later blindness came before", async () => {
    const blind = missedAnswer();
    const later = outcome(blind.live, { from: blind.to + 60_000, to: blind.to + 70_000 });
    await sendLive([later]);
    await sendLive(blind.live);
    await heartbeat(server, site, { highestSeq: later.seq });
    expect((await stateRow())[0]).toMatchObject({ state: "ended", call_status: null, hangups: 0 });
  });

  it("waits no longer than ten minutes for an agent that does not come to an end", async () => {
    const blind = missedAnswer();
    await sendLive(blind.live);
    nowMs += 9 * 60_000;
    await heartbeat(server, site, { highestSeq: blind.live.length });
    expect((await stateRow())[0]).toMatchObject({ state: "ended" });
    nowMs += 61_000;
    await heartbeat(server, site, { highestSeq: blind.live.length });
    await eventually(async () => expect((await stateRow())[0]).toMatchObject({ state: "final", hangups: 1 }));
    await sendRows(blind.rows);
    expect((await stateRow())[0]).toMatchObject({ state: "final", call_status: "answered", hangups: 1 });
  });

  it("waits for nothing when the end of the reading overtook its beginning", async () => {
    const blind = missedAnswer();
    await sendRows(blind.rows);
    await sendLive([outcome(blind.live, blind)]);
    await sendLive(blind.live);
    await eventually(async () =>
      expect((await stateRow())[0]).toMatchObject({ state: "final", call_status: "answered", hangups: 1 }),
    );
    expect(await gaps()).toMatchObject([{ repaired_by: "cel", repaired: true }]);
  });

  it("whose rows could not be read is told with what is known, and the gap says why", async () => {
    const blind = missedAnswer();
    await sendLive(blind.live);
    await sendLive([
      outcome(blind.live, blind, { Source: "", Rows: "0", Result: "failed", Reason: "no rights to read" }),
    ]);
    await eventually(async () => expect((await stateRow())[0]).toMatchObject({ state: "final", hangups: 1 }));
    const detail = "not repaired: no rights to read";
    expect(await gaps()).toEqual([{ cause: "ami_lost", repaired_by: null, repaired: false, detail }]);
  });

  it("does not hold up calls that were over before, or began after", async () => {
    const { live } = missedAnswer();
    const lost = live.findIndex(({ ev }) => ev.Event === MARKERS.captureLost);
    const later = live.slice(0, lost).map((event) => ({ ...event, at: event.at + 3_600_000 }));
    const ids = (ev: AmiEvent) => JSON.parse(JSON.stringify(ev).replaceAll("1795477017.", "1795480617.")) as AmiEvent;
    const after = [
      ...later.filter(({ ev }) => ev.Event !== MARKERS.captureStarted),
      ...later
        .filter(({ ev }) => ev.Event === "Newchannel")
        .map(({ ev, ...event }) => ({ ...event, ev: { ...ev, Event: "Hangup", Cause: "16" } })),
    ].map((event, index) => ({ ...event, seq: live.length + index + 1, ev: ids(event.ev) }));
    await sendLive([...live, ...after]);
    expect(await office.rows("SELECT state FROM calls ORDER BY start_time")).toEqual([
      { state: "ended" },
      { state: "final" },
    ]);
  });
});

describe("calls heard in part", () => {
  /** Without what only the tables have, or only assembly. */
  const plain = ({ proof: _proof, keys: _keys, truncated: _truncated, steps, ...call }: AssembledCall) => ({
    ...call,
    steps: steps.map(({ origin, ...step }) => ({ ...step, live: origin === "live" })),
  });

  it("are stored as they are told at once, however their events and rows arrive", async () => {
    const cases = fc.record({
      name: fc.constantFrom(...NAMES),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
      rowsFirst: fc.boolean(),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ name, from, to, rowsFirst, cut }) => {
        const events = eventsOf(capture(name), "recommended");
        const [start, end] = [events[0]!.at, events.at(-1)!.at];
        const [a, b] = [from, to].toSorted((x, y) => x - y).map((part) => Math.floor(start + part * (end - start)));
        const blind = blindBetween(events, celRowsOf(name), a!, b!);
        const own = await office.site("0367", crypto.randomUUID());
        const [stream, file] = [crypto.randomUUID(), crypto.randomUUID()];
        const half = Math.floor(blind.rows.length * cut);
        const done = outcome(blind.live, { from: a!, to: b! });
        const sendings = [
          () => sendLive(blind.live, { to: own, stream }),
          () => sendRows(blind.rows.slice(half), { to: own, stream: file }),
          () => sendRows(blind.rows.slice(0, half), { to: own, stream: file }),
        ];
        for (const go of rowsFirst ? sendings.toReversed() : sendings) await go();
        await sendLive([done], { to: own, stream });
        const told = assemble([...blind.live, done, ...blind.rows], LAB);
        await eventually(async () => {
          const stored = await storedCalls(office.db.pool, own.id);
          expect(JSON.parse(JSON.stringify(stored.map(plain)))).toEqual(JSON.parse(JSON.stringify(told.map(plain))));
        });
      }),
      { numRuns: 40, seed: 11 },
    );
  }, 120_000);
});

describe("rows that come when all has long been told", () => {
  it("are merged into a call whose events only its raw_data still has", async () => {
    const blind = missedAnswer();
    const live = blind.live.map((event) => ({ ...event, ev: { ...event.ev, Repair: "" } }));
    await sendLive(live);
    expect((await stateRow())[0]).toMatchObject({ state: "final", hangups: 1 });
    const before = await office.rows("SELECT id, event_type FROM call_events ORDER BY id");
    await office.rows("DELETE FROM ami_events");
    await sendRows(blind.rows);
    expect((await stateRow())[0]).toMatchObject({ state: "final", call_status: "answered", hangups: 1 });
    const after = await office.rows("SELECT id, event_type FROM call_events ORDER BY id");
    expect(after).toEqual(expect.arrayContaining(before));
    await sendRows(blind.rows);
    expect(await office.rows("SELECT id, event_type FROM call_events ORDER BY id")).toEqual(after);
  });

  it("of calls nobody heard make calls that end when Asterisk was restarted, and keep the word that said so", async () => {
    const rows = celRowsOf("22/incoming_answered").filter(
      ({ ev }) => !["HANGUP", "CHAN_END", "LINKEDID_END", "BRIDGE_EXIT", "APP_END"].includes(String(ev["EventName"])),
    );
    const at = 1_795_477_030_000;
    const back = [
      { Event: MARKERS.asteriskRestarted, AsteriskStarted: "1795477029" },
      { Event: MARKERS.captureStarted },
      { Event: MARKERS.snapshot, Uniqueid: [], Linkedid: [], Complete: "true" },
    ].map((ev, index) => ({ stream: 1, seq: index + 1, at, origin: "live" as const, ev }));
    await sendLive(back);
    await sendRows(rows);
    expect(await stateRow()).toEqual([
      { state: "final", call_status: "answered", data_source: "downloaded", completeness: "inferred_end", hangups: 1 },
    ]);
    const [kept] = await office.rows(
      "SELECT jsonb_path_query_array(raw_data, '$[*] ? (@.site == true).ev.Event') AS site FROM calls",
    );
    expect(kept).toMatchObject({ site: expect.arrayContaining([MARKERS.asteriskRestarted]) as unknown });
  });
});
