import { afterEach, beforeEach, expect, it } from "vitest";
import { heartbeat, openOffice, send, STREAM, type Office, type Server, type Site } from "./office.ts";

let office: Office;
let server: Server;
let site: Site;

beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
});
afterEach(() => office.close());

const event = (seq: number) => ({ seq, at: Date.now(), origin: "live" as const, ev: { Event: "A", N: String(seq) } });
const stored = () =>
  office.rows("SELECT s.uuid::text, e.seq::int FROM ami_events e JOIN streams s ON s.id = e.stream_id ORDER BY e.seq");

/** As an older copy has it: the number the server remembers is another stream's, or nobody's yet. */
const takeNumberAway = () => office.rows("UPDATE streams SET uuid = gen_random_uuid()");

it("a running server opens a stream anew that the copy of the database does not have", async () => {
  await send(server, site, [event(1)]);
  await takeNumberAway();
  await send(server, site, [event(1), event(2)]);
  expect((await stored()).filter((row) => (row as { uuid: string }).uuid === STREAM)).toHaveLength(2);
});

it("a heartbeat is not answered from another stream's number either", async () => {
  await send(server, site, [event(1), event(2)]);
  await takeNumberAway();
  expect((await heartbeat(server, site)).received_to).toBe(0);
});

it("events for which the copy has no partition yet are stored, and none is blamed", async () => {
  await send(server, site, [event(1)]);
  const [day] = await office.rows<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'ami_events'::regclass
     AND inhrelid::regclass::text LIKE '%' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD') || '%'`,
  );
  await office.rows(`DROP TABLE ${day!.name}`);
  await send(server, site, [event(2), event(3)]);
  expect(await stored()).toEqual([
    { uuid: STREAM, seq: 2 },
    { uuid: STREAM, seq: 3 },
  ]);
  expect(await office.rows("SELECT 1 FROM rejected_events")).toEqual([]);
});
