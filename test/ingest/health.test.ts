import { afterEach, expect, it } from "vitest";
import { buildApp } from "../../server/http/app.ts";
import { openPool } from "../../server/store/pool.ts";
import { createLogger } from "../../shared/log.ts";
import { testDatabase } from "../support/postgres.ts";
import { heartbeat, line, body, openOffice, send, STREAM } from "./office.ts";
import { phoneCall } from "./phone-call.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const log = createLogger({ name: "test", level: "silent" });
const ask = async (url: string, path: string) => {
  const answer = await fetch(url + path);
  return [answer.status, ((await answer.json()) as { status: string }).status];
};

async function serve(url: string): Promise<string> {
  const pool = openPool({ url, name: "test server" });
  const app = buildApp({ pool, log });
  closing.push(
    () => pool.end(),
    () => app.close(),
  );
  return app.listen({ host: "127.0.0.1", port: 0 });
}

it("a server on its database is alive and ready", async () => {
  const db = await testDatabase();
  closing.push(() => db.drop());
  const url = await serve(db.url);
  expect(await ask(url, "/healthz")).toEqual([200, "ok"]);
  expect(await ask(url, "/readyz")).toEqual([200, "ready"]);
});

it("a server whose database lacks the schema, or does not answer, is alive but not ready, and keeps nothing", async () => {
  const db = await testDatabase({ empty: true });
  closing.push(() => db.drop());
  for (const url of [await serve(db.url), await serve("postgres://nobody@127.0.0.1:1/none")]) {
    expect(await ask(url, "/healthz")).toEqual([200, "ok"]);
    expect(await ask(url, "/readyz")).toEqual([503, "not_ready"]);
    const headers = { authorization: `Bearer rp_1_${"a".repeat(43)}`, "content-type": "application/x-ndjson" };
    const answer = await fetch(`${url}/v1/ingest`, {
      method: "POST",
      headers,
      body: body(phoneCall().events.map(line)),
    });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  }
});

it("a heartbeat tells when the site was seen, what its agent says and what still waits there", async () => {
  const office = await openOffice();
  closing.push(() => office.close());
  const server = await office.server();
  const site = await office.site();
  await send(server, site, phoneCall().events);
  await office.rows("UPDATE sites SET last_seen = NULL");
  const reply = await heartbeat(server, site, { highestSeq: 900, oldestUnacked: 13 });
  expect(reply).toMatchObject({ acked: [], commands: [] });
  expect(Math.abs(reply.time - Date.now())).toBeLessThan(5_000);
  const [seen] = await office.rows(
    `SELECT last_seen > now() - interval '1 minute' AS seen, agent_version, ami, outbox_bytes::int,
       abs(clock_skew_ms) < 5000 AS in_time FROM sites`,
  );
  expect(seen).toEqual({ seen: true, agent_version: "test 1.0", ami: "connected", outbox_bytes: 4096, in_time: true });
  expect(await office.rows("SELECT uuid, highest_seq::int, oldest_unacked::int FROM streams")).toEqual([
    { uuid: STREAM, highest_seq: 900, oldest_unacked: 13 },
  ]);
});

it("days that have no partition yet get one with their first event", async () => {
  const office = await openOffice();
  closing.push(() => office.close());
  const inAMonth = Date.now() + 40 * 86_400_000;
  const servers = [await office.server({ now: () => inAMonth }), await office.server({ now: () => inAMonth })];
  const site = await office.site();
  const calls = [1, 2, 3, 4].map((serial) => phoneCall({ serial, from: serial * 100 }));
  await Promise.all(calls.map(({ events }, at) => send(servers[at % 2]!, site, events)));
  const day = new Date(inAMonth).toISOString().slice(0, 10).replaceAll("-", "");
  const rows = await office.rows("SELECT tableoid::regclass::text AS part, count(*)::int FROM ami_events GROUP BY 1");
  expect(rows).toEqual([{ part: `ami_events_${day}`, count: 48 }]);
  const steps = await office.rows("SELECT DISTINCT tableoid::regclass::text AS part FROM call_events ORDER BY 1");
  expect(steps).toEqual([
    { part: `call_events_hangup_${day.slice(0, 6)}` },
    { part: `call_events_steps_${day.slice(0, 6)}` },
  ]);
});
