import { afterEach, beforeEach, expect, it } from "vitest";
import { countStored, tellCalls } from "../ingest/tables.ts";
import { openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { retain } from "../../server/sync/retention.ts";
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

it("the days to come have their partitions", async () => {
  await keep();
  for (const days of [0, 1, 2, 3]) {
    const name = `ami_events_${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "")}`;
    expect(await office.rows("SELECT to_regclass($1) IS NOT NULL AS there", [name])).toEqual([{ there: true }]);
  }
});
