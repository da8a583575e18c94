import { afterEach, beforeEach, expect, it } from "vitest";
import { countStored, tellCalls } from "../ingest/tables.ts";
import { openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { retain } from "../../server/sync/retention.ts";
import { MARKERS } from "../../shared/ami-event.ts";
import { server as command } from "../server/command.ts";

let office: Office;
let server: Server;
let site: Site;
const DAY_MS = 86_400_000;
const OLD = Date.now() - 130 * DAY_MS;
beforeEach(async () => {
  office = await openOffice();
  server = await office.server({ now: () => OLD });
  site = await office.site();
});
afterEach(() => office.close());

const { events } = phoneCall();
const count = events.length;
const keep = () => retain({ pool: office.db.pool, log: { info: () => undefined }, now: Date.now });
const steps = async () =>
  (await office.rows<{ type: string }>("SELECT event_type AS type FROM call_events ORDER BY event_sequence")).map(
    ({ type }) => type,
  );
async function cli(...args: string[]): Promise<string> {
  const { status, out, err } = await command(args, { env: { DATABASE_URL: office.db.url } });
  expect({ status, err }).toEqual({ status: 0, err: "" });
  return out;
}

it("the old raw log and steps go, hangups and calls stay, and young ones are not touched", async () => {
  await send(server, site, events);
  const young = phoneCall({ serial: 1, from: count + 1 });
  await send(await office.server(), site, young.events);
  const calls = await office.rows("SELECT linkedid, call_status, state FROM calls ORDER BY id");
  const before = await cli("retention", "--dry-run");
  expect(before).toMatch(/ami_events_\d{8} .*would be dropped/);
  expect(await countStored(office, site.id)).toMatchObject({ stored: 2 * count });

  expect(await cli("retention")).toMatch(/call_events_steps_\d{6} .*dropped/);
  expect(await countStored(office, site.id)).toMatchObject({ stored: count });
  expect((await steps()).toSorted()).toEqual(["bridge", "dial", "hangup", "hangup", "start"]);
  expect(await office.rows("SELECT linkedid, call_status, state FROM calls ORDER BY id")).toEqual(calls);
  expect(await cli("retention", "--lang", "ru")).toBe("слишком старого нет\n");
});

it("an event that comes after all joins its old call, told from what the call keeps", async () => {
  await office.rows(`UPDATE enterprises SET settings = '{"telegram": {"enabled": true}}'`);
  await send(server, site, events.slice(0, -1));
  await send(server, site, events.slice(-1));
  const before = await tellCalls(office, site.id);
  await keep();
  const late = { ...events.at(-2)!, seq: count + 1, origin: "downloaded" as const };
  await send(await office.server(), site, [late]);
  const after = await tellCalls(office, site.id);
  expect(after).toHaveLength(1);
  expect(after).toMatchObject([{ call_status: "answered", state: "final" }]);
  expect(before).toMatchObject([{ call_status: "answered", state: "final" }]);
  expect((await steps()).filter((type) => type === "hangup")).toHaveLength(1);
  const owed =
    "SELECT event_type FROM call_events WHERE event_type <> 'hangup' AND (needs_telegram OR needs_integration)";
  expect(await office.rows(owed)).toEqual([]);
});

it("a partition that is being read is left, nobody waits long for it, and it goes another time", async () => {
  await send(server, site, events);
  const reader = await office.db.pool.connect();
  try {
    await reader.query("BEGIN");
    await reader.query("SELECT count(*) FROM ami_events");
    const sending = send(await office.server(), site, phoneCall({ serial: 1, from: count + 1 }).events);
    const { busy, dropped } = await keep();
    expect(busy.map(({ parent }) => parent)).toContain("ami_events");
    expect(dropped.map(({ parent }) => parent)).not.toContain("ami_events");
    await sending;
  } finally {
    await reader.query("COMMIT");
    reader.release();
  }
  expect((await keep()).busy).toEqual([]);
});

it("a call that still waits for earlier events when its log goes keeps what it has, and is whole when they come", async () => {
  const held = events[3]!;
  await send(server, site, [...events.slice(0, 3), ...events.slice(4)]);
  expect(await tellCalls(office, site.id)).toMatchObject([{ state: "ended", call_status: null }]);
  const { dropped } = await keep();
  expect(dropped.map(({ parent }) => parent)).toContain("ami_events");
  expect(await keep()).toMatchObject({ dropped: [], busy: [] });
  const later = await office.server();
  const other = { ...events[4]!, seq: count + 1, origin: "downloaded" as const };
  await send(later, site, [other]);
  await send(await office.server(), site, [{ ...held, origin: "downloaded" as const }]);
  const whole = await tellCalls(office, site.id);
  expect(whole).toMatchObject([{ state: "final", call_status: "answered", main_extension: "150" }]);
  expect(await office.rows("SELECT jsonb_array_length(raw_data) AS events FROM calls")).toEqual([
    { events: count + 1 },
  ]);
});

it("records are kept for a bounded time, but not one that still tells something", async () => {
  const marker = (seq: number, ev: Record<string, string>) => ({
    seq,
    at: OLD + seq,
    origin: "live" as const,
    ev: { Event: "", ...ev },
  });
  const gap = { Event: MARKERS.gap, From: String(OLD), To: String(OLD + 1_000), Cause: "outbox_full" };
  await send(server, site, [
    marker(1, { Event: MARKERS.captureStarted }),
    marker(2, { Event: MARKERS.captureStarted }),
    marker(3, { ...gap, FromSeq: "9", ToSeq: "10", Count: "2" }),
    marker(4, { Event: MARKERS.captureStarted }),
  ]);
  const ago = "now() - interval '130 days'";
  await office.rows(
    `INSERT INTO downloads (site_id, from_time, to_time, asked_by, asked_at, done_at) VALUES (1, ${ago}, now(), 'sync', ${ago}, ${ago}),
       (1, now() - interval '1 day', now(), 'sync', now(), now())`,
  );
  await cli("retention", "set", "--records", "100");
  const would = await cli("retention", "--dry-run");
  expect(would).toMatch(/downloads +.* 1 rows +would be dropped/);
  expect(would).toMatch(/site_markers +.* 2 rows +would be dropped/);
  await cli("retention");
  expect(await office.rows("SELECT seq::int FROM site_markers ORDER BY seq")).toEqual([{ seq: 1 }, { seq: 3 }]);
  expect(await office.rows("SELECT FROM downloads")).toHaveLength(1);
});

it("how long things are kept is set by a command, for every server of the database", async () => {
  await send(server, site, events);
  const set = JSON.parse(await cli("retention", "set", "--log", "200", "--steps", "400", "--json")) as object;
  expect(set).toEqual({ log: 200, steps: 400, records: 365 });
  expect((await keep()).dropped).toEqual([]);
  await cli("retention", "set", "--log", "20");
  expect(await cli("retention", "show")).toMatch(/ami_events\) +20\n.* +400\n.* +365/);
  expect((await keep()).dropped.map(({ parent }) => parent)).toContain("ami_events");
  expect(await cli("retention", "show", "--lang", "ru")).toContain("журнал событий");
  const wrong = await command(["retention", "set", "--log", "0"], { env: { DATABASE_URL: office.db.url } });
  expect(wrong.status).toBe(64);
});

it("dropping never stalls ingest: not while a reader holds the partition, not with rows in it", async () => {
  for (let serial = 0; serial < 40; serial++) {
    await send(server, site, phoneCall({ serial, from: serial * count + 1 }).events);
  }
  const reader = await office.db.pool.connect();
  const live = await office.server();
  const tookMs: number[] = [];
  const over = new AbortController();
  const load = (async () => {
    for (let serial = 40; !over.signal.aborted; serial++) {
      const startedAt = performance.now();
      await send(live, site, phoneCall({ serial, from: serial * count + 1 }).events);
      tookMs.push(performance.now() - startedAt);
    }
  })();
  try {
    await reader.query("BEGIN");
    await reader.query("SELECT count(*) FROM ami_events");
    expect((await keep()).busy.map(({ parent }) => parent)).toContain("ami_events");
    await reader.query("COMMIT");
    expect((await keep()).dropped.map(({ parent }) => parent)).toContain("ami_events");
  } finally {
    over.abort();
    await load;
    reader.release();
  }
  expect(tookMs.length).toBeGreaterThan(3);
  // A drop waits 200 ms at most, and so does who comes behind it.
  expect(Math.max(...tookMs)).toBeLessThan(2_000);
});

it("the days to come have their partitions", async () => {
  await keep();
  for (const days of [0, 1, 2, 3]) {
    const name = `ami_events_${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "")}`;
    expect(await office.rows("SELECT to_regclass($1) IS NOT NULL AS there", [name])).toEqual([{ there: true }]);
  }
});
