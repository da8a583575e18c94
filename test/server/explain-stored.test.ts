import { afterAll, beforeAll, expect, test } from "vitest";
import type { Explanation } from "../../server/assemble/index.ts";
import { capture } from "../support/captures.ts";
import { blindBetween } from "../support/blind.ts";
import { celRowsOf } from "../support/recovered.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office } from "../ingest/office.ts";
import { server, type Outcome } from "./command.ts";

const LINKEDID = "1795477052.35";
/** What a PBX may send and jsonb does not take. */
const ODD = "Ol\u0000ga \ud800\ufdd0";

let office: Office;

beforeAll(async () => {
  office = await openOffice();
  const site = await office.site("0367", "10.88.10.11");
  const events = eventsOf(capture("22/ring_group_answered"), "recommended").map((event) =>
    event.ev["CallerIDName"] === "Client" ? { ...event, ev: { ...event.ev, CallerIDName: ODD } } : event,
  );
  const stream = crypto.randomUUID();
  const ingest = await office.server();
  await send(ingest, site, events, { stream });
  await heartbeat(ingest, site, { stream, oldestUnacked: null, highestSeq: events.length });
});
afterAll(() => office.close());

function explain(...args: string[]): Promise<Outcome> {
  return server(["explain", "--call", ...args], { env: { DATABASE_URL: office.db.url } });
}

test("explain --call draws a stored call as a ladder, with the rows it became", async () => {
  const { status, out, err } = await explain(LINKEDID);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(/^incoming call 1795477052\.35, answered, 0502220001, over trunk-a, main extension 151, 5 s/);
  expect(out).toMatch(/\|-+>\| .* rings {2}-> call_events 2 dial, participant 1/);
  expect(out).toMatch(/participant 2: 151 answered, rang 2 s, caller_hangup/);
});

test("it finds the call by its id, its unique_id and any Linkedid, and tells it alike from the raw log or from raw_data", async () => {
  const [row] = await office.rows<{ id: number }>("SELECT id FROM calls");
  await office.rows("UPDATE calls SET unique_id = 's1-x'");
  const whole = await explain(LINKEDID, "--json");
  for (const name of [String(row!.id), "s1-x", "1795477052.37"]) expect(await explain(name, "--json")).toEqual(whole);
  await office.rows("TRUNCATE ami_events");
  expect(await explain(LINKEDID, "--json")).toEqual(whole);
});

test("it names what nobody heard and a row of Asterisk's own files tells", async () => {
  const name = "22/incoming_answered";
  const events = eventsOf(capture(name), "recommended");
  const answered = events.find(({ ev }) => ev.Event === "DialEnd")!.at - 10;
  const { live, rows } = blindBetween(events, celRowsOf(name), answered, events.at(-1)!.at + 1_000);
  const site = await office.site("0367", "10.88.10.77");
  const ingest = await office.server();
  await send(ingest, site, live, { stream: crypto.randomUUID() });
  const span: [number, number] = [1, 100_000];
  await send(ingest, site, rows, { stream: crypto.randomUUID(), lane: "backlog", kind: "file", span });
  const { out } = await explain("1795477017.0");
  expect(out).toMatch(/ rings {2}-> call_events 2 dial/);
  expect(out).toMatch(/ talk \[recovered\] {2}-> call_events 3 bridge/);
  expect(out).toMatch(/ is gone \(cause 16\) \[recovered\]/);
});

test("it shows text as the PBX sent it, not as the database had to keep it, and harmless on a terminal", async () => {
  const { out: json } = await explain(LINKEDID, "--json");
  const [told] = JSON.parse(json) as Explanation[];
  expect(told?.call.extra["caller_name"]).toBe(ODD);
  const [{ caller }] = (await office.rows("SELECT extra_data ->> 'caller_name' AS caller FROM calls")) as [
    { caller: string },
  ];
  expect(caller).toBe("Ol\ufdd00000ga \ufdd0D800\ufdd0FDD0");
  const { out } = await explain(LINKEDID);
  expect(out).not.toContain("\u0000");
  expect(out).not.toContain("\ufdd00000");
});

test("who else came to a conference shows in the call, not as calls of their own", async () => {
  const site = await office.site("0367", "10.88.10.12");
  const events = eventsOf(capture("22/confbridge3"), "recommended");
  await send(await office.server(), site, events, { stream: crypto.randomUUID() });
  const calls = await office.rows<{ id: string }>("SELECT id FROM calls WHERE site_id = $1", [site.id]);
  expect(calls.length).toBe(3);
  for (const { id } of calls) {
    const told = JSON.parse((await explain(String(id), "--json")).out) as Explanation[];
    expect(told.map(({ call }) => [call.callStatus, call.extra["conference"]])).toEqual([["answered", "8001"]]);
  }
});

test("a call that is not there is told so", async () => {
  expect(await explain("1.1")).toMatchObject({
    status: 1,
    err: expect.stringContaining("there is no call 1.1") as string,
  });
});
