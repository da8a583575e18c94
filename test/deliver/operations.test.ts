import { afterEach, beforeEach, expect, it } from "vitest";
import { deleteOld } from "../../server/deliver/engine.ts";
import { openPool } from "../../server/store/pool.ts";
import { openOffice, send, type Office } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { server } from "../server/command.ts";
import { SECRET_KEY, setHooks } from "./receiver.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(async () => {
  await office.close();
});

const run = (...args: string[]) =>
  server([...args, "--lang", "en"], { env: { DATABASE_URL: office.db.url, RINGPOST_SECRET_KEY: SECRET_KEY } });
it("deliveries shows the dead and sends them again, and /metrics counts them", async () => {
  const site = await office.site();
  const http = await office.server();
  await setHooks(office, [{ url: "https://crm.test/x", events: ["hangup"] }]);
  await send(http, site, phoneCall().events);
  const metrics = async () => (await fetch(`${http.url}/metrics`)).text();
  expect(await metrics()).toContain('ringpost_deliveries{channel="webhook",state="waiting"} 1');
  expect(await metrics()).toContain('ringpost_delivery_oldest_waiting_seconds{channel="webhook"}');
  await office.rows("UPDATE deliveries SET state = 'given_up', last_error = 'answered 500'");
  expect((await run("deliveries", "--waiting")).out).toContain("no deliveries");
  expect((await run("deliveries", "--dead")).out).toMatch(/1 +0367 +webhook +crm +.* hangup +given_up .*answered 500/);
  expect((await run("deliveries", "retry")).err).toContain("--all-dead");
  expect((await run("deliveries", "retry", "99")).err).toContain("is not dead");
  expect((await run("deliveries", "retry", "1")).out).toContain("1 to be sent again");
  expect(JSON.parse((await run("deliveries", "retry", "--all-dead", "--json")).out)).toEqual({ retried: 0 });
  expect(JSON.parse((await run("deliveries", "--json")).out)).toMatchObject([
    { id: 1, state: "waiting", target: "crm" },
  ]);
  expect(await office.rows("SELECT state FROM deliveries")).toEqual([{ state: "waiting" }]);
}, 90_000);

it("/metrics tells what ingest counted, what is missing, and goes on without its database", async () => {
  const site = await office.site();
  const pool = openPool({ url: office.db.url, name: "test metrics", connectionsMax: 4 });
  const http = await office.server({ pool });
  const { events } = phoneCall();
  await send(http, site, events.slice(0, -1));
  await send(http, site, events);
  await office.rows(
    "INSERT INTO download_sync (enterprise_id, asterisk_host, failed_events_count) VALUES ('0367', '10.88.10.11', 7)",
  );
  await office.rows(
    `INSERT INTO gaps (site_id, stream_id, marker_seq, cause, from_time, to_time)
     SELECT site_id, id, 1, 'agent_down', now() - interval '1 h', now() FROM streams`,
  );
  const metrics = async () => (await fetch(`${http.url}/metrics`)).text();
  const text = await metrics();
  const stored = events.length;
  expect(text).toContain(`ringpost_ingest_batches_total{lane="live"} 2`);
  expect(text).toContain(`ringpost_ingest_events_received_total{lane="live"} ${2 * stored - 1}`);
  expect(text).toMatch(new RegExp(`^ringpost_ingest_events_stored_total ${stored}$`, "m"));
  expect(text).toMatch(new RegExp(`^ringpost_ingest_events_duplicate_total ${stored - 1}$`, "m"));
  expect(text).toMatch(/^ringpost_calls_begun_total 1$/m);
  expect(text).toContain('ringpost_calls_final_total{type="incoming",status="answered"} 1');
  expect(text).toContain('ringpost_ingest_request_seconds_count{status="200"} 2');
  expect(text).toContain(`ringpost_site_unrepaired_gaps{site="${site.id}",enterprise="0367",cause="agent_down"} 1`);
  expect(text).toMatch(/^ringpost_site_last_seen_timestamp_seconds\{site="\d+",enterprise="0367"\} \d+/m);
  expect(text).toContain('ringpost_sync_failed_events{enterprise="0367",host="10.88.10.11"} 7');
  expect(text).toContain('ringpost_sync_failed_rising{enterprise="0367",host="10.88.10.11"} 0');
  expect(text).toMatch(/^ringpost_database_up 1$/m);
  await pool.end();
  const without = await metrics();
  expect(without).toMatch(/^ringpost_database_up 0$/m);
  expect(without).toMatch(new RegExp(`^ringpost_ingest_events_stored_total ${stored}$`, "m"));
});

it("old deliveries go, young, waiting and lately dead ones stay", async () => {
  const site = await office.site();
  const states = [
    ["sent", 96],
    ["superseded", 96],
    ["given_up", 96],
    ["given_up", 181],
    ["waiting", 181],
    ["sent", 94],
  ];
  for (const [at, [state, days]] of states.entries()) {
    await office.rows(
      `INSERT INTO deliveries (enterprise_id, site_id, leg, event_type, nth, channel, target, state, created_at)
       VALUES ('0367', $1, 'leg', 'hangup', $2, 'webhook', 'crm', $3, now() - make_interval(days => $4))`,
      [site.id, at, state, days],
    );
  }
  await deleteOld(office.db.pool, { aborted: false });
  expect(await office.rows("SELECT nth FROM deliveries ORDER BY nth")).toEqual([{ nth: 2 }, { nth: 4 }, { nth: 5 }]);
});
