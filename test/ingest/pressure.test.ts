import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { INGEST_LIMITS } from "../../server/ingest/limits.ts";
import { body, line, openOffice, send, type Answer, type Office, type Server, type Site } from "./office.ts";
import { phoneCall } from "./phone-call.ts";
import { countStored } from "./tables.ts";

let office: Office;
let server: Server;
let site: Site;

beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
});
afterEach(() => office.close());

const { events } = phoneCall();
const all = { stored: events.length, distinct: events.length };

/** Runs `work` while no writer gets past the site's lock. */
async function whileStalled<T>(work: () => Promise<T>): Promise<T> {
  const holder = await office.db.pool.connect();
  await holder.query("SELECT pg_advisory_lock(x'5250'::int, $1)", [site.id]);
  try {
    return await work();
  } finally {
    await holder.query("SELECT pg_advisory_unlock_all()");
    holder.release();
  }
}

/** Other tests share the PostgreSQL server. */
const STALLED = "FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()";
const stalled = (many: number) =>
  expect.poll(() => office.rows(`SELECT ${STALLED}`), { timeout: 10_000 }).toHaveLength(many);

describe("a database that stalls", () => {
  it("makes the server refuse what is beyond its bound, with a time to come again, and lose nothing", async () => {
    const text = body(events.map(line));
    const answers = await whileStalled(async () => {
      const waiting: Promise<Answer>[] = Array.from({ length: INGEST_LIMITS.requestsMax }, () =>
        server.post(site.key, text),
      );
      await stalled(INGEST_LIMITS.liveWritersMax);
      await expect
        .poll(async () => (await server.post(site.key, "")).status, { timeout: 10_000, interval: 20 })
        .toBe(503);
      const refused = await server.post(site.key, text);
      expect([refused.status, refused.body.error, refused.headers.get("retry-after")]).toEqual([503, "busy", "1"]);
      return waiting;
    });
    const statuses = new Set((await Promise.all(answers)).map(({ status }) => status));
    expect([...statuses]).toEqual([200]);
    expect(await countStored(office, site.id)).toEqual(all);
  }, 60_000);

  it("by a backlog does not hold up what is live at another site", async () => {
    const other = await office.site("0368", "10.88.10.12");
    await whileStalled(async () => {
      const backlog = Array.from({ length: 8 }, () =>
        server.post(site.key, body(events.map(line), { lane: "backlog" })),
      );
      await stalled(INGEST_LIMITS.backlogWritersMax);
      await send(server, other, events, { stream: crypto.randomUUID() });
      expect(await countStored(office, other.id)).toEqual(all);
      return backlog;
    });
    await expect.poll(() => countStored(office, site.id)).toEqual(all);
  });
});

describe("a server that stops", () => {
  it("answers what is under way and does not wait for that connection to be left", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const [answer] = await whileStalled(async () => {
      const sent = server.post(site.key, body(events.map(line)));
      await stalled(1);
      closed = server.app.close();
      return [sent];
    });
    expect((await answer)?.status).toBe(200);
    // Shorter than a kept connection is left open.
    await expect(Promise.race([closed.then(() => "closed"), sleep(30_000)])).resolves.toBe("closed");
  }, 60_000);
});

describe("a connection that dies in mid-transaction", () => {
  it("costs the agent a repetition and stores everything once", async () => {
    await whileStalled(async () => {
      const sent = server.post(site.key, body(events.map(line)));
      await stalled(1);
      await office.rows(`SELECT pg_terminate_backend(pid) ${STALLED}`);
      const answer = await sent;
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      return [];
    });
    expect(await countStored(office, site.id)).toEqual({ stored: 0, distinct: 0 });
    await send(server, site, events);
    expect(await countStored(office, site.id)).toEqual(all);
  });
});

describe("an event that can never be written", () => {
  it("for a reason that looks like rivalry is found and set aside, so that it blocks nobody", async () => {
    await office.rows(
      `CREATE FUNCTION always_rival() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'rival' USING ERRCODE = '40001'; END $$`,
    );
    await office.rows(
      `CREATE TRIGGER rival BEFORE INSERT ON call_links FOR EACH ROW WHEN (NEW.linkedid = '66.6') EXECUTE FUNCTION always_rival()`,
    );
    const cursed = {
      seq: 50,
      at: 1,
      origin: "live" as const,
      ev: { Event: "VarSet", Uniqueid: "66.6", Linkedid: "66.6" },
    };
    const reply = await send(server, site, [...events.slice(0, 6), cursed]);
    expect(reply.acked).toEqual([
      [1, 6],
      [50, 50],
    ]);
    expect(await office.rows("SELECT seq::int, reason FROM rejected_events")).toEqual([
      { seq: 50, reason: "undigestible" },
    ]);
    expect(await countStored(office, site.id)).toEqual({ stored: 6, distinct: 6 });
  }, 60_000);
});
