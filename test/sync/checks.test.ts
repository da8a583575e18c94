import { afterEach, beforeEach, expect, it } from "vitest";
import { runSyncChecks } from "../../server/sync/check.ts";
import { startJobs } from "../../server/jobs.ts";
import { syncWork } from "../../server/sync/jobs.ts";
import { createLogger } from "../../shared/log.ts";
import { MARKERS } from "../../shared/ami-event.ts";
import { eventually, heartbeat, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { server as command } from "../server/command.ts";

let office: Office;
let server: Server;
let site: Site;
let warnings: unknown[];
beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
  warnings = [];
});
afterEach(() => office.close());

const MINUTE = 60_000;
const BEGUN = Date.now() - MINUTE;
const event = (seq: number, origin: "live" | "downloaded" = "live") => ({
  seq,
  at: BEGUN + seq,
  origin,
  ev: { Event: "PeerStatus", Peer: "PJSIP/150" },
});
const check = (nowMs = Date.now()) =>
  runSyncChecks({
    pool: office.db.pool,
    log: { warn: (about: unknown) => void warnings.push(about) },
    now: () => nowMs,
  });
const row = async () => {
  const [found] = await office.rows(
    `SELECT total_downloaded_events AS total, failed_events_count AS failed, last_error_message AS error, failed_rising AS rising,
       last_successful_sync = last_check_timestamp AS well FROM download_sync`,
  );
  return found;
};
async function cli(...args: string[]): Promise<string> {
  const { status, out, err } = await command(args, { env: { DATABASE_URL: office.db.url } });
  expect({ status, err }).toEqual({ status: 0, err: "" });
  return out;
}

it("every PBX has its row, checked at once and then each interval, while it is enabled", async () => {
  await office.site("0368", "10.88.10.12");
  const now = Date.now();
  expect(await check(now)).toBe(2);
  expect(await check(now + 59 * MINUTE)).toBe(0);
  await office.rows("UPDATE download_sync SET sync_enabled = FALSE WHERE enterprise_id = '0368'");
  await office.rows("UPDATE download_sync SET check_interval_minutes = 30");
  expect(await check(now + 59 * MINUTE)).toBe(1);
});

it("two servers check each PBX once", async () => {
  for (let host = 20; host < 30; host++) await office.site("0367", `10.88.10.${host}`);
  const now = Date.now();
  const checked = await Promise.all([check(now), check(now), check(now)]);
  expect(checked.reduce((sum, count) => sum + count)).toBe(11);
});

it("what is missing fails the check, is told once as it rises, is asked for, and is well when it came", async () => {
  const now = Date.now();
  await send(server, site, [event(1), event(2), event(6)], { oldestUnacked: null, highestSeq: 6 });
  await heartbeat(server, site, { oldestUnacked: null, highestSeq: 6 });
  await check(now);
  expect(await row()).toMatchObject({
    failed: 3,
    rising: true,
    well: null,
    error: expect.stringContaining("3 events"),
  });
  expect(warnings).toMatchObject([{ enterprise: "0367", host: "10.88.10.11", before: 0, failed: 3 }]);
  expect(await cli("status")).toContain("3 events are missing");
  const [asked] = await office.rows("SELECT from_time, to_time, asked_by FROM downloads");
  expect(asked).toEqual({ from_time: new Date(event(2).at), to_time: expect.any(Date), asked_by: "sync" });

  await check(now + 61 * MINUTE);
  expect(warnings).toHaveLength(1);
  expect(await office.rows("SELECT FROM downloads")).toHaveLength(1);

  const later = await office.server({ now: () => now + 62 * MINUTE });
  await send(later, site, [event(3, "downloaded"), event(4, "downloaded"), event(5, "downloaded")], {
    oldestUnacked: null,
    highestSeq: 6,
  });
  await office.rows("UPDATE sites SET last_seen = now() + interval '125 minutes'");
  await check(now + 125 * MINUTE);
  expect(await row()).toEqual({ total: 3, failed: 0, rising: false, error: null, well: true });
  await office.rows("UPDATE sites SET last_seen = now() + interval '190 minutes'");
  await check(now + 190 * MINUTE);
  expect(await row()).toMatchObject({ total: 3 });
});

it("what an agent still sends by itself is not missing; a silent agent is told in words", async () => {
  await send(server, site, [event(1), event(9)], { oldestUnacked: 2, highestSeq: 9 });
  await check();
  expect(await row()).toMatchObject({ failed: 0, error: null, well: true });
  await check(Date.now() + 61 * MINUTE);
  expect(await row()).toMatchObject({ error: expect.stringContaining("has not been heard for 61 min"), well: false });
});

it("an agent that does not hear Asterisk is no success, in its own words", async () => {
  await send(server, site, [event(1)], { oldestUnacked: null, highestSeq: 1 });
  await office.rows("UPDATE sites SET ami = 'refused', problem = 'Asterisk refused the login of ringpost'");
  await check();
  expect(await row()).toMatchObject({
    well: null,
    error: expect.stringMatching(/does not hear Asterisk: .*refused the login/),
  });
});

it("a database that was put back has the site checked every minute for a while", async () => {
  const now = Date.now();
  expect(await check(now)).toBe(1);
  await office.rows("UPDATE sites SET put_back_at = to_timestamp($1)", [now / 1000]);
  expect(await check(now + MINUTE)).toBe(1);
  expect(await check(now + 2 * MINUTE)).toBe(1);
  expect(await check(now + 16 * MINUTE)).toBe(0);
});

it("what an older outbox had and never sent is asked for, whatever it still had to send when it was last heard", async () => {
  await send(server, site, [event(1), event(2)], { oldestUnacked: 2, highestSeq: 9 });
  const newer = { stream: "00000000-0000-4000-8000-000000000002", oldestUnacked: null, highestSeq: 1 };
  await send(server, site, [event(1)], newer);
  await check();
  expect(await row()).toMatchObject({ failed: 0 });
  await office.rows("UPDATE streams SET last_batch_at = now() - interval '2 minutes' WHERE id = 1");
  await check(Date.now() + 61 * MINUTE);
  expect(await row()).toMatchObject({ failed: 7, rising: true });
  expect(await office.rows("SELECT from_time FROM downloads")).toEqual([{ from_time: new Date(event(2).at) }]);
});

it("what was repaired from Asterisk's files is asked for again after a database was put back", async () => {
  await send(server, site, [event(1)], { oldestUnacked: null, highestSeq: 1 });
  const now = Date.now();
  // 1: told again after it was put back; 2: its very events came; 3: in the copy; 4: in the copy, not repaired then.
  await office.rows(
    `INSERT INTO gaps (site_id, stream_id, marker_seq, cause, from_time, to_time, repaired_by, repaired_at, noted_at, asked_at)
     SELECT 1, 1, n, 'agent_down', now() - n * interval '1 hour', now() - n * interval '1 hour' + interval '1 minute',
       CASE n WHEN 2 THEN 'received' ELSE 'cel' END, now() - interval '1 hour',
       now() - CASE WHEN n > 2 THEN interval '2 hours' ELSE interval '0' END, CASE n WHEN 4 THEN '-infinity'::timestamptz END
     FROM generate_series(1, 4) n`,
  );
  await office.rows("UPDATE sites SET put_back_at = now() - interval '1 minute'");
  await check(now + MINUTE);
  await check(now + 2 * MINUTE);
  const asked = "SELECT g.marker_seq::int AS gap FROM downloads d JOIN gaps g USING (from_time, to_time) ORDER BY 1";
  expect(await office.rows(asked)).toEqual([{ gap: 1 }, { gap: 4 }]);
});

it("each gap is asked for once", async () => {
  const gap = { Event: MARKERS.gap, From: "1700000000000", To: "1700000060000", Cause: "agent_down" };
  await send(server, site, [{ ...event(1), ev: gap }]);
  await check();
  expect(await office.rows("SELECT extract(epoch FROM from_time)::int AS from FROM downloads")).toEqual([
    { from: 1_700_000_000 },
  ]);
  await office.rows("UPDATE downloads SET done_at = now()");
  await check(Date.now() + 61 * MINUTE);
  expect(await office.rows("SELECT FROM downloads")).toHaveLength(1);
});

it("sync list, run and set show and change it", async () => {
  expect(await cli("sync", "set", "0367", "10.88.10.11", "--interval", "15", "--enabled", "no")).toContain("changed");
  expect(await cli("sync", "list")).toMatch(/0367 +10\.88\.10\.11 +no +15 min +-/);
  const [ran] = JSON.parse(await cli("sync", "run", "--json")) as object[];
  expect(ran).toMatchObject({
    sync_enabled: false,
    check_interval_minutes: 15,
    last_check_timestamp: expect.any(String),
  });
  expect(await cli("sync", "list", "--lang", "ru")).toContain("включено");
  const wrong = await command(["sync", "set", "0367", "10.0.0.1", "--interval", "5"], {
    env: { DATABASE_URL: office.db.url },
  });
  expect(wrong).toMatchObject({ status: 1, err: expect.stringContaining("there is no PBX 10.0.0.1") });
});

it("a running server has the checks made by its queue, and stops at once", async () => {
  const log = createLogger({ name: "test", level: "silent" });
  const pool = office.db.pool;
  const stop = startJobs({ pool, log, work: [syncWork({ pool, log, now: Date.now })] });
  try {
    await eventually(async () => {
      await office.rows("SELECT graphile_worker.add_job('sync', job_key := 'sync')");
      await eventually(async () => expect(await row()).toMatchObject({ failed: 0 }), 2_000);
    }, 15_000);
    expect(await office.rows("SELECT identifier FROM graphile_worker._private_known_crontabs")).toContainEqual({
      identifier: "sync",
    });
  } finally {
    const startedAt = performance.now();
    await stop();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }
});
