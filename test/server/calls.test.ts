import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { collect, server, spawnServer, startServer, type Outcome } from "./command.ts";

let database: TestDatabase;

/** Two enterprises a day apart by their clocks: Kiritimati is UTC+14, Niue UTC-11. */
const ROWS = `
  INSERT INTO enterprises (id, name, token, timezone) VALUES ('0367', 'East', 't', 'Pacific/Kiritimati'), ('0368', 'West', 't', 'Pacific/Niue');
  INSERT INTO sites (id, enterprise_id, host, name, last_seen, ami, problem, clock_skew_ms) VALUES
    (1, '0367', '10.0.0.1', 'HQ', now() - interval '65 seconds', 'refused', 'wrong AMI password', 0),
    (2, '0368', '10.0.0.1', 'Branch', NULL, NULL, NULL, 61000);
  INSERT INTO streams (uuid, site_id, received, highest_seq, oldest_unacked, waiting, last_batch_at) VALUES
    ('00000000-0000-0000-0000-000000000001', 1, '{[1,11),[21,31)}', 60, 31, 30, now()),
    ('00000000-0000-0000-0000-000000000002', 1, '{[1,2)}', 9000, 2, 8000, now() - interval '2 days');
  INSERT INTO calls (unique_id, linkedid, site_id, enterprise_id, token, call_type, call_status, state, phone_number, trunk, start_time, end_time, duration, data_source)
  VALUES
    ('1.1', '1.1', 1, '0367', 't', 'incoming', 'answered', 'final', '0671234567', 'trunk-a', date_trunc('day', now(), 'Pacific/Kiritimati'), now(), 185, 'live'),
    ('1.2', '1.2', 1, '0367', 't', 'incoming', 'no_answer', 'final', NULL, 'trunk-a', date_trunc('day', now(), 'Pacific/Kiritimati') - interval '1 second', now(), 5, 'live'),
    ('1.3', '1.3', 1, '0367', 't', 'outgoing', NULL, 'running', '0501', NULL, now(), NULL, NULL, 'downloaded'),
    ('s2-1.1', '1.1', 2, '0368', 't', 'internal', 'answered', 'final', NULL, NULL, date_trunc('day', now(), 'Pacific/Niue'), now(), 1, 'downloaded');
  INSERT INTO call_participants (call_id, extension, participant_status, ring_order, ring_duration, disconnect_reason)
  SELECT id, x.extension, x.status, x.n, x.seconds, x.reason
  FROM calls, (VALUES ('162', 'no_answer', 2, 9, 'timeout'), ('150', 'answered', 1, 4, NULL)) x (extension, status, n, seconds, reason)
  WHERE unique_id = '1.1';`;

beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(ROWS);
});
afterAll(() => database.drop());

function run(...args: string[]): Promise<Outcome> {
  return server(args, { env: { DATABASE_URL: database.url } });
}

test("status --json tells each site's backlog, AMI, problem and today's calls by source in its own time zone", async () => {
  const { sites } = JSON.parse((await run("status", "--json")).out) as { sites: unknown[] };
  expect(sites).toMatchObject([
    {
      site: 1,
      enterprise_id: "0367",
      ami: "refused",
      problem: "wrong AMI password",
      backlog: { waiting: 30, oldest_seq: 31, missing: 10 },
      calls_today: { live: 1, downloaded: 1, migrated: 0 },
      calls_running: 1,
    },
    {
      site: 2,
      last_seen: null,
      backlog: { waiting: 0, oldest_seq: null, missing: 0 },
      calls_today: { live: 0, downloaded: 1, migrated: 0 },
      calls_running: 0,
    },
  ]);
});

test("status for people tells every problem in words, worst first, then has a line a site in the same order", async () => {
  const lines = (await run("status")).out.split("\n");
  expect(lines[0]).toBe("sites: 2, in trouble: 2");
  expect(lines[1]).toMatch(/^1 HQ: its agent is silent for 1:\d\d: is it running/);
  expect(lines[2]).toBe("1 HQ: wrong AMI password");
  expect(lines[3]).toBe("2 Branch: the clock of its agent is off by 1:01: set the time there (NTP)");
  expect(lines[4]).toBe("2 Branch: its agent was never heard: is it installed and running?");
  expect(lines[7]).toMatch(/^1 +0367 +HQ +10\.0\.0\.1 +1:\d\d ago +\S+ +refused +30 waiting, from 31 +1 +1 +1$/);
  expect(lines[8]).toMatch(/^2 +0368 +Branch +10\.0\.0\.1 +never +- +- +none +0 +1 +0$/);
  expect((await run("status", "--lang", "ru")).out).toMatch(
    /^площадок: 2, с неполадками: 2\n1 HQ: агент молчит 1:\d\d/,
  );
});

test("calls shows the newest last, participants in ring order, times in the enterprise's zone", async () => {
  const { out } = await run("calls", "--site", "1");
  const lines = out.trimEnd().split("\n");
  expect(lines).toHaveLength(4);
  const answered = lines.find((line) => line.includes("0671234567"));
  expect(answered).toMatch(
    / 00:00:00 +HQ +incoming +0671234567 +trunk-a +- +answered +3:05 +live +150:answered\(4s\) 162:no_answer\(9s\)$/,
  );
  expect(lines.some((line) => line.includes(" 23:59:59 "))).toBe(true);
  expect(lines.find((line) => line.includes("0501"))).toMatch(/running +- +downloaded$/);
});

test("calls --last --json gives that many as one JSON array", async () => {
  const calls = JSON.parse((await run("calls", "--site", "1", "--last", "2", "--json")).out) as { unique_id: string }[];
  expect(calls).toHaveLength(2);
  expect(calls[1]).toMatchObject({ unique_id: "1.3", call_status: null, state: "running", participants: [] });
});

test("calls --follow --json prints what exists, each change once, and calls that go; Ctrl-C ends it with status 0", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ringpost-follow-"));
  const env = { RINGPOST_DATA_DIR: join(folder, "data") };
  const running = await startServer({ env });
  const client = new pg.Client({ connectionString: running.databaseUrl });
  await client.connect();
  try {
    await client.query(ROWS);
    const child = spawnServer(["calls", "--follow", "--site", "1", "--last", "1", "--json"], { env });
    const output = collect(child);
    const lines = (): unknown[] =>
      output.out
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as unknown);
    const until = (count: number): Promise<void> => expect.poll(() => lines().length, { timeout: 10_000 }).toBe(count);
    await until(1);
    await client.query(
      "INSERT INTO calls (unique_id, linkedid, site_id, enterprise_id, token, call_type, state, start_time) VALUES ('2.1', '2.1', 1, '0367', 't', 'internal', 'running', now())",
    );
    await until(2);
    await client.query(
      "UPDATE calls SET call_status = 'answered', state = 'final', revision = revision + 1 WHERE unique_id = '2.1'",
    );
    await until(3);
    const merged = await client.query<{ id: string }>("DELETE FROM calls WHERE unique_id = '1.3' RETURNING id");
    await until(4);
    expect(lines()).toMatchObject([
      { unique_id: "1.3", state: "running" },
      { unique_id: "2.1", call_status: null },
      { unique_id: "2.1", call_status: "answered", state: "final" },
      { id: Number(merged.rows[0]?.id), gone: true },
    ]);
    child.kill("SIGINT");
    await expect.poll(() => child.exitCode, { timeout: 5_000 }).toBe(0);
    expect(output.err).toBe("");
  } finally {
    await client.end();
    await running.end("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  }
});
