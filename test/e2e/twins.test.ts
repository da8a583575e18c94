import { afterAll, beforeAll, expect, it } from "vitest";
import { capture } from "../support/captures.ts";
import { untilFinal } from "./rows.ts";
import { openWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

it("two enterprises whose PBXs have the same address and the same Uniqueids at the same second stay apart", async () => {
  const pool = world.database.pool;
  const host = "192.168.1.10";
  const one = await world.site({ enterprise: "0367", host });
  const other = await world.site({ enterprise: "0368", host });
  const startAt = Date.now();
  const options = { ids: "captured", startAt, speed: "full" } as const;
  const [answered, busy] = await Promise.all([
    one.pbx.play(capture("22/incoming_answered"), options),
    other.pbx.play(capture("22/incoming_answered"), options),
  ]);
  await Promise.all([answered.done, busy.done]);
  await untilFinal(pool, [one.id, other.id]);

  const linkedid = answered.id("1795477017.0");
  expect(busy.id("1795477017.0")).toBe(linkedid);
  const { rows } = await pool.query(
    `SELECT c.enterprise_id, c.token, c.asterisk_host, c.linkedid, c.call_status, c.unique_id LIKE '%' || c.linkedid AS named,
       (SELECT count(*)::int FROM call_participants WHERE call_id = c.id) AS participants,
       (SELECT count(*)::int FROM call_events WHERE call_id = c.id AND event_type = 'hangup') AS hangups,
       (SELECT count(*)::int FROM call_events WHERE call_id = c.id AND unique_id = c.unique_id) AS steps
     FROM calls c ORDER BY c.enterprise_id`,
  );
  const same = { asterisk_host: host, linkedid, call_status: "answered", named: true, participants: 1, hangups: 1 };
  expect(rows).toEqual([
    { ...same, enterprise_id: "0367", token: "token-0367", steps: 4 },
    { ...same, enterprise_id: "0368", token: "token-0368", steps: 4 },
  ]);
  const { rows: ids } = await pool.query<{ unique_id: string }>("SELECT unique_id FROM calls");
  expect(ids.map((row) => row.unique_id).toSorted()).toContain(linkedid);
  expect(ids.map((row) => row.unique_id)).toContainEqual(expect.stringMatching(new RegExp(`^s\\d+-${linkedid}$`)));
}, 60_000);
