import { afterAll, beforeAll, expect, test } from "vitest";
import { capture } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office, type Site } from "../ingest/office.ts";
import { collect, server, spawnServer, type Outcome } from "./command.ts";

const NAME = "22/incoming_answered";
let office: Office;
let site: Site;

beforeAll(async () => {
  office = await openOffice();
  site = await office.site("0367", "10.88.10.11");
  await run(
    "enterprise",
    "set",
    "0367",
    "--extensions",
    "^trunk-",
    "--trunks",
    "150,151",
    "--timezone",
    "Asia/Tashkent",
  );
  const events = eventsOf(capture(NAME), "recommended");
  const stream = crypto.randomUUID();
  const ingest = await office.server();
  await send(ingest, site, events, { stream });
  await heartbeat(ingest, site, { stream, oldestUnacked: null, highestSeq: events.length });
  await run("enterprise", "set", "0367", "--extensions", "^1\\d\\d$", "--trunks", "trunk-a,trunk-b");
});
afterAll(() => office.close());

function run(...args: string[]): Promise<Outcome> {
  return server(args, { env: { DATABASE_URL: office.db.url } });
}

test("rebuild --dry-run prints what would change as a person reads it, in the enterprise's time zone", async () => {
  const { status, out, err } = await run("rebuild", "--dry-run");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(/^call 1795477017\.0, site 1, 2026-11-24 04:36:57$/m);
  expect(out).toMatch(/^ {2}call_type +outgoing -> incoming$/m);
  expect(out).toMatch(/^ {2}trunk +150 -> trunk-a$/m);
  expect(out).toMatch(
    /^ {2}participant 1 \(150\) is new: .*participant_status answered, .*dial_start 2026-11-24 04:36:57\.\d{3}/m,
  );
  expect(out).toMatch(/^1 call assembled again, 1 would change; nothing was written$/m);
  const russian = await run("rebuild", "--dry-run", "--lang", "ru");
  expect(russian.out).toContain("участник 1 (150) появляется");
  expect(russian.out).toContain("изменилось бы: 1; ничего не записано");
});

test("rebuild --json prints changes and the end as JSON lines, progress on stderr", async () => {
  const { out, err } = await run("rebuild", "--dry-run", "--json");
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([
    {
      type: "change",
      unique_id: "1795477017.0",
      site: site.id,
      fields: { call_type: { from: "outgoing", to: "incoming" } },
      participants: [{ ring_order: 1, extension: "150", change: "new" }],
      merged: [],
      split_from: null,
    },
    { type: "done", calls: 1, changed: 1, skipped: 0, dry_run: true, stopped: false },
  ]);
  expect(
    err
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toContainEqual(expect.objectContaining({ type: "progress", calls: 1, total: 1 }));
});

/** The call began at 2026-11-23T23:36:57Z, 04:36:57 in Tashkent. */
test.each([
  ["2026-11-24T04:36", "2026-11-24T04:37", 1],
  ["2026-11-24", "2026-11-25", 1],
  ["2026-11-23", "2026-11-24", 0],
  ["2026-11-24 04:37", "2026-11-24 05:00:00", 0],
  ["2026-11-23T23:36Z", "2026-11-24T02:37+03", 1],
  ["2026-11-23T23:37:00Z", "2026-11-24T02:40:00.5+0300", 0],
])("--from %s --to %s is the enterprise's time unless a zone is given: %i calls", async (from, to, calls) => {
  const { out } = await run("rebuild", "--dry-run", "--json", "--from", from, "--to", to);
  expect(JSON.parse(out.trim().split("\n").at(-1)!)).toMatchObject({ type: "done", calls });
});

test("wrong times, and sites that are not there, are refused in words", async () => {
  expect(await run("rebuild", "--from", "2026-02-30")).toMatchObject({ status: 64 });
  expect((await run("rebuild", "--from", "yesterday")).err).toContain("a time such as 2026-11-24");
  expect(await run("rebuild", "--from", "2026-11-24", "--to", "2026-11-23")).toMatchObject({ status: 1 });
  expect((await run("rebuild", "--site", "99")).err).toContain("there is no site 99");
});

test("rebuild sets the past right, then finds nothing to change; a revoked site's calls too", async () => {
  await run("site", "revoke", String(site.id));
  expect((await run("rebuild", "--site", String(site.id))).out).toContain("1 call assembled again, 1 changed");
  expect(await office.rows("SELECT call_type, call_status, trunk, main_extension FROM calls")).toEqual([
    { call_type: "incoming", call_status: "answered", trunk: "trunk-a", main_extension: "150" },
  ]);
  expect((await run("rebuild")).out).toBe("1 call assembled again, 0 changed\n");
});

test("Ctrl-C ends it between two batches, and says that the same command does the rest", async () => {
  const blocker = await office.db.pool.connect();
  await blocker.query("BEGIN; SELECT FROM calls FOR UPDATE");
  const child = spawnServer(["rebuild"], { env: { DATABASE_URL: office.db.url } });
  const output = collect(child);
  const ended = new Promise((resolve) => child.on("close", resolve));
  await expect
    .poll(
      () =>
        office.rows(
          "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'ringpost rebuild'",
        ),
      { timeout: 10_000 },
    )
    .toHaveLength(1);
  await office.rows(
    "INSERT INTO calls SELECT (r).* FROM (SELECT jsonb_populate_record(c, jsonb_build_object('id', 1000 + n, 'unique_id', 'x' || n, 'linkedid', 'x' || n, 'start_time', now())) AS r FROM calls c, generate_series(1, 300) n) t",
  );
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 200));
  await blocker.query("ROLLBACK");
  blocker.release();
  expect(await ended).toBe(1);
  expect(output.err).toContain("the same command does the rest");
});
