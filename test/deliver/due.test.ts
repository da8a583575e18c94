import { afterEach, beforeEach, expect, it } from "vitest";
import { findDueDeliveries } from "../../server/store/deliveryJobs.ts";
import { findExpiredDeliveries } from "../../server/store/finishDelivery.ts";
import { openPool } from "../../server/store/pool.ts";
import { openOffice, send, type Office } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { setHooks } from "./receiver.ts";

const DAY_MS = 86_400_000;
let office: Office;
beforeEach(async () => void (office = await openOffice()));
afterEach(() => office.close());

/** Deliveries of three calls to two webhooks, a minute old. Returns the calls' ids. */
async function threeCalls(): Promise<number[]> {
  const [http, site] = [await office.server(), await office.site()];
  await setHooks(office, [
    { name: "crm", url: "https://crm.test/x" },
    { name: "desk", url: "https://desk.test/x", events: ["hangup"] },
  ]);
  for (const serial of [0, 1, 2]) {
    const stream = `00000000-0000-4000-8000-00000000000${serial}`;
    await send(http, site, phoneCall({ serial }).events, { stream });
  }
  await office.rows(`UPDATE deliveries SET created_at = now() - interval '1 min' + id * interval '1 ms',
                       retry_since = now() - interval '1 min'`);
  return (await office.rows<{ id: number }>("SELECT id::int FROM calls ORDER BY id")).map(({ id }) => id);
}

const due = async (overdueMsMin = 3_000, perTargetMax = 100) =>
  (await findDueDeliveries(office.db.pool, overdueMsMin, perTargetMax))
    .toSorted((a, b) => a.target.localeCompare(b.target))
    .map(({ target, callId }) => `${target} ${callId}`);

it("of each target the oldest calls are due, each once, and no more than asked for", async () => {
  const [one, two, three] = await threeCalls();
  const all = [one, two, three];
  expect(await due()).toEqual([...all.map((id) => `crm ${id}`), ...all.map((id) => `desk ${id}`)]);
  expect(await due(3_000, 2)).toEqual([`crm ${one}`, `crm ${two}`, `desk ${one}`, `desk ${two}`]);
  expect(await due(120_000)).toEqual([]);
});

it("not due is a call whose oldest delivery is put off or being sent, a target left alone, what has no call", async () => {
  const [one, two, three] = await threeCalls();
  const first = "id = (SELECT min(id) FROM deliveries WHERE target = 'crm' AND call_id = $1)";
  await office.rows(`UPDATE deliveries SET next_attempt_at = now() + interval '1 h' WHERE ${first}`, [one]);
  await office.rows(`UPDATE deliveries SET claimed_until = now() + interval '9 s' WHERE ${first}`, [two]);
  expect(await due()).toEqual([`crm ${three}`, `desk ${one}`, `desk ${two}`, `desk ${three}`]);
  await office.rows("INSERT INTO delivery_circuits VALUES ('0367', 'webhook', 'crm', 9, now() + interval '1 h')");
  await office.rows("UPDATE deliveries SET call_id = NULL WHERE call_id = $1", [three]);
  expect(await due()).toEqual([`desk ${one}`, `desk ${two}`]);
});

it("expired is what waited a day at a target that fails, and what has lost its call", async () => {
  const [one] = await threeCalls();
  const expired = async () =>
    (await findExpiredDeliveries(office.db.pool, DAY_MS, 100)).map(({ lost }) => (lost ? "lost" : "old"));
  await office.rows("UPDATE deliveries SET call_id = NULL WHERE target = 'desk' AND call_id = $1", [one]);
  expect(await expired()).toEqual(["lost"]);
  await office.rows(
    `UPDATE deliveries SET created_at = now() - interval '25 h', retry_since = now() - interval '25 h'
                     WHERE call_id = $1`,
    [one],
  );
  expect(await expired()).toEqual(["lost"]);
  await office.rows("INSERT INTO delivery_circuits VALUES ('0367', 'webhook', 'crm', 9, now())");
  expect(await expired()).toEqual(["lost", "old", "old", "old", "old"]);
  await office.rows("UPDATE deliveries SET retry_since = now() WHERE event_type = 'start' AND call_id = $1", [one]);
  expect(await expired()).toEqual(["lost", "old", "old", "old"]);
});

it("a backlog that nobody has counted yet is not looked through for each of its calls", async () => {
  const calls = 60_000;
  await threeCalls();
  await office.rows("ALTER TABLE deliveries SET (autovacuum_enabled = off)");
  await office.rows(
    `INSERT INTO calls (unique_id, linkedid, site_id, enterprise_id, token, call_type, call_status, start_time, end_time, state)
     SELECT 'b' || n, 'b' || n, site_id, enterprise_id, token, call_type, call_status, start_time, end_time, state
     FROM generate_series(1, $1::int) n, (SELECT * FROM calls ORDER BY id LIMIT 1) one`,
    [calls],
  );
  await office.rows(
    `INSERT INTO deliveries (enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target, created_at, retry_since)
     SELECT enterprise_id, id, unique_id, site_id, linkedid, 'hangup', 1, 'webhook', 'crm', now() - interval '1 h', now()
     FROM calls WHERE unique_id LIKE 'b%'`,
  );
  await office.rows("SELECT pg_clear_relation_stats('public', 'deliveries')");
  const pool = openPool({ url: office.db.url, name: "test due", connectionsMax: 1 });
  try {
    // A few milliseconds; reading the whole index for each of a thousand calls takes half a minute.
    await pool.query("SET statement_timeout = '5s'");
    expect(await findDueDeliveries(pool, 3_000, 1_000)).toHaveLength(1_003);
  } finally {
    await pool.end();
  }
});
