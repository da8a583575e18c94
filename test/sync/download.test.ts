import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { capture } from "../support/captures.ts";
import { tellCalls } from "../ingest/tables.ts";
import { MARKERS } from "../../shared/ami-event.ts";
import { body, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { untilFinal } from "../e2e/rows.ts";
import { openWorld, type World } from "../e2e/world.ts";
import { server as command, type Outcome } from "../server/command.ts";

const hour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

function download(url: string, site: number, ...args: string[]): Promise<Outcome> {
  const window = args.includes("--from") ? [] : ["--from", hour(-1), "--to", hour(1)];
  return command(["download", "--site", String(site), ...window, ...args], { env: { DATABASE_URL: url } });
}

describe("an agent asked for a window", () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());
  const url = () => world.database.url;
  const office = (): Pick<Office, "rows"> => ({
    rows: async <T extends object>(sql: string, values: unknown[] = []) =>
      (await world.database.pool.query<T>(sql, values)).rows,
  });

  /** What Asterisk said; the agent's own words about what it did may be more. */
  const countHeard = async (siteId: number) =>
    office().rows(
      `SELECT count(*)::int AS stored, count(DISTINCT (stream_id, seq))::int AS distinct FROM ami_events
       WHERE site_id = $1 AND event NOT LIKE 'Ringpost%'`,
      [siteId],
    );

  it("sends it again: what was lost is back as downloaded, and asking twice more changes nothing", async () => {
    const site = await world.site({ liveWindowSeconds: 1 });
    await (
      await site.pbx.play(capture("22/internal_answered"))
    ).done;
    await untilFinal(world.database.pool, [site.id]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const whole = await countHeard(site.id);
    for (const table of ["ami_events", "site_markers"])
      await world.database.pool.query(`DELETE FROM ${table} WHERE seq BETWEEN 5 AND 9`);
    await world.database.pool.query("UPDATE streams SET received = received - '{[5,9]}'::int8multirange");

    const first = await download(url(), site.id, "--wait", "--json");
    expect(first).toMatchObject({ status: 0 });
    expect(JSON.parse(first.out)).toMatchObject({ site: site.id, remaining: 0, new_events: 5, unrepaired_gaps: [] });
    expect(await countHeard(site.id)).toEqual(whole);
    const origins = await office().rows("SELECT DISTINCT origin FROM ami_events WHERE seq BETWEEN 5 AND 9");
    expect(origins).toEqual([{ origin: "downloaded" }]);

    const calls = await tellCalls(office() as Office, site.id);
    for (const _ of [1, 2]) {
      const again = await download(url(), site.id, "--wait");
      expect(again.status).toBe(0);
      expect(again.out).toMatch(/^done: the agent sent \d+ events, 0 of the window were new/);
    }
    expect(await countHeard(site.id)).toEqual(whole);
    expect(await tellCalls(office() as Office, site.id)).toEqual(calls);
  }, 90_000);

  it("through whichever server it speaks with, and again after it was killed in between", async () => {
    const site = await world.site();
    await (
      await site.pbx.play(capture("22/internal_answered"))
    ).done;
    await untilFinal(world.database.pool, [site.id]);
    await site.link.cut();
    const asked = await download(url(), site.id);
    expect(asked.out).toMatch(/^download 1: the agent of site 1 is asked/);
    // As if a server had handed it over and the agent had died with it.
    await office().rows(
      "UPDATE downloads SET handed_at = now() - interval '1 hour', taken_at = now(), total = 9, remaining = 9",
    );
    await site.agent?.kill();
    await site.startAgent();
    await site.link.restore();
    await expect
      .poll(() => office().rows("SELECT remaining::int, done_at IS NOT NULL AS done FROM downloads WHERE id = 1"), {
        timeout: 20_000,
      })
      .toEqual([{ remaining: 0, done: true }]);
  });
});

describe("a server on a database with a download", () => {
  let office: Office;
  let server: Server;
  let site: Site;
  beforeEach(async () => {
    office = await openOffice();
    server = await office.server();
    site = await office.site();
  });
  afterEach(() => office.close());

  type Windows = { id: string; total: number; left: number; retained_from?: number }[];
  async function commands(to: Server, from: Site, windows?: Windows): Promise<unknown[]> {
    const [header = ""] = body([]).split("\n");
    const stream = `00000000-0000-4000-8000-00000000000${from.id}`;
    const sent = JSON.stringify({ ...(JSON.parse(header) as object), stream, ...(windows && { windows }) });
    return (await to.post(from.key, `${sent}\n`)).body.commands;
  }
  /** What the site's agent is told that a window is called. */
  const named = async (id: number) => {
    const micros = "(extract(epoch FROM asked_at) * 1000000)::bigint";
    const [row] = await office.rows<{ name: string }>(
      `SELECT concat(id, '-', ${micros}) AS name FROM downloads WHERE id = ${id}`,
    );
    return row!.name;
  };
  const rows = () => office.rows("SELECT total::int, remaining::int, done_at IS NOT NULL AS done FROM downloads");

  it("hands it to the site's agent only, by the clock of its enterprise, until the agent tells of it", async () => {
    const other = await office.site("0368", "10.88.10.99");
    const second = await office.server();
    const window = ["--from", "2026-03-10T09:00", "--to", "2026-03-10 10:00"];
    expect(await download(office.db.url, site.id, ...window)).toMatchObject({ status: 0 });
    expect(await commands(second, other, [])).toEqual([]);
    const from = Date.parse("2026-03-10T07:00:00Z");
    const id = await named(1);
    const asked = { do: "resend_window", id, from, to: from + 3_600_000 };
    expect(await commands(second, site, [])).toEqual([asked]);
    expect(await commands(server, site, [])).toEqual([]);
    await office.rows("UPDATE downloads SET handed_at = handed_at - interval '11 seconds'");
    expect(await commands(server, site, [{ id: "77", total: 1, left: 1 }])).toEqual([asked]);
    await office.rows("UPDATE downloads SET handed_at = handed_at - interval '11 seconds'");
    expect(await commands(server, site, [{ id, total: 9, left: 4 }])).toEqual([]);
    expect(await rows()).toEqual([{ total: 9, remaining: 4, done: false }]);
    await commands(server, other, [{ id, total: 9, left: 0 }]);
    expect(await rows()).toEqual([{ total: 9, remaining: 4, done: false }]);
    await commands(server, site, [{ id, total: 9, left: 0 }]);
    expect(await rows()).toEqual([{ total: 9, remaining: 0, done: true }]);
  });

  it("keeps the wish while the agent is away, and says so", async () => {
    expect((await download(office.db.url, site.id)).out).toMatch(
      /^download 1: the agent of site 1 was last heard: never\. It is asked when it is heard/,
    );
    await commands(server, site, []);
    await office.rows("UPDATE sites SET last_seen = now() - interval '2 hours'");
    const asked = await download(office.db.url, site.id, "--from", "2026-03-10", "--to", "2026-03-11");
    expect(asked.out).toMatch(/^download 2: the agent of site 1 was last heard: 2:00:0\d ago/);
    const russian = ["--from", "2026-03-11", "--to", "2026-03-12", "--lang", "ru"];
    expect((await download(office.db.url, site.id, ...russian)).out).toContain("Он получит просьбу");
    // However slow the machine, the first is not handed over again.
    const taken = [{ id: await named(1), total: 1, left: 1 }];
    const handed = await commands(await office.server(), site, taken);
    expect(handed).toMatchObject([{ id: await named(2) }, { id: await named(3) }]);
  });

  it("says what could not be had: before what the agent retains, and gaps of the window", async () => {
    const day = ["--from", "2026-03-10", "--to", "2026-03-11"];
    const from = Date.parse("2026-03-10T00:00+02:00");
    const gap = { Event: MARKERS.gap, From: String(from), To: String(from + 60_000), Cause: "agent_down" };
    await send(server, site, [{ seq: 1, at: from, origin: "live", ev: gap }]);
    const waiting = download(office.db.url, site.id, ...day, "--wait");
    await expect.poll(rows, { timeout: 20_000 }).toHaveLength(1);
    await commands(await office.server(), site, [
      { id: await named(1), total: 7, left: 0, retained_from: from + 3_600_000 },
    ]);
    const { out } = await waiting;
    expect(out).toContain("done: the agent sent 7 events, 0 of the window were new");
    expect(out).toContain("the agent retains nothing from before 2026-03-10 01:00:00");
    expect(out).toMatch(/1 gaps in this window were not repaired:[^]*agent down/);
  });

  it("asks an agent that cannot tell of windows once", async () => {
    await download(office.db.url, site.id);
    expect(await commands(server, site)).toMatchObject([{ id: await named(1) }]);
    await office.rows("UPDATE downloads SET handed_at = handed_at - interval '1 hour'");
    expect(await commands(await office.server(), site)).toEqual([]);
  });

  it("calls none by the name of an earlier one, also where ids begin again: the database was put back to an older copy", async () => {
    const day = ["--from", "2026-03-10", "--to", "2026-03-11"];
    await download(office.db.url, site.id, ...day);
    const before = await named(1);
    await office.rows("TRUNCATE downloads RESTART IDENTITY");
    await download(office.db.url, site.id, ...day);
    await commands(server, site, [{ id: before, total: 9, left: 0 }]);
    expect(await rows()).toEqual([{ total: null, remaining: null, done: false }]);
    expect(await commands(await office.server(), site, [{ id: before, total: 9, left: 0 }])).toEqual([]);
    await office.rows("UPDATE downloads SET handed_at = NULL");
    expect(await commands(await office.server(), site, [])).toMatchObject([{ id: await named(1) }]);
  });

  it("joins one that is asked for already, and refuses a site or a window that does not exist", async () => {
    const window = ["--from", "2026-03-10", "--to", "2026-03-11"];
    const [one, two] = await Promise.all([1, 2].map(() => download(office.db.url, site.id, ...window, "--json")));
    expect(JSON.parse(one!.out)).toMatchObject({ id: (JSON.parse(two!.out) as { id: number }).id, done_at: null });
    expect(await rows()).toHaveLength(1);
    expect((await download(office.db.url, 99)).err).toContain("there is no site 99");
    const mixed = ["--from", "2026-03-10T12:00", "--to", "2026-03-10T01:00Z"];
    expect((await download(office.db.url, site.id, ...mixed)).err).toContain("ends before it begins");
    expect((await download(office.db.url, site.id, ...mixed, "--lang", "ru")).err).toContain("раньше, чем начинается");
  });
});
