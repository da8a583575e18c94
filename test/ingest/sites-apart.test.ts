import { afterEach, beforeEach, expect, it } from "vitest";
import { openOffice, send, type Office, type Server } from "./office.ts";
import { phoneCall } from "./phone-call.ts";
import { countStored } from "./tables.ts";

let office: Office;
let servers: Server[];

beforeEach(async () => {
  office = await openOffice();
  servers = [await office.server(), await office.server()];
});
afterEach(() => office.close());

it("two enterprises with the same address and the same Uniqueids stay apart, under concurrency", async () => {
  const sites = await Promise.all(["0367", "0368"].map((id) => office.site(id, "192.168.1.10")));
  const streams = sites.map(() => crypto.randomUUID());
  const calls = Array.from({ length: 40 }, (_, serial) => phoneCall({ serial, from: 1 + serial * 12 }));
  await Promise.all(
    calls.flatMap(({ events }) =>
      sites.flatMap((site, at) => [
        send(servers[at]!, site, events.slice(0, 6), { stream: streams[at]! }),
        send(servers[1 - at]!, site, events.slice(6), { stream: streams[at]!, lane: "backlog" }),
      ]),
    ),
  );
  await expect
    .poll(() =>
      office.rows(
        `SELECT c.enterprise_id, c.token, c.asterisk_host, c.state, c.call_status, count(*)::int,
           count(DISTINCT c.linkedid)::int AS ids,
           count(*) FILTER (WHERE c.unique_id IN (c.linkedid, 's' || c.site_id || '-' || c.linkedid))::int AS named,
           (SELECT count(*)::int FROM call_participants p JOIN calls o ON o.id = p.call_id WHERE o.enterprise_id = c.enterprise_id) AS people,
           (SELECT count(*)::int FROM call_events e JOIN calls o ON o.id = e.call_id AND o.unique_id = e.unique_id AND o.site_id = e.site_id
              WHERE o.enterprise_id = c.enterprise_id) AS steps
         FROM calls c GROUP BY 1, 2, 3, 4, 5 ORDER BY 1`,
      ),
    )
    .toEqual(
      ["0367", "0368"].map((id) => ({
        enterprise_id: id,
        token: `token-${id}`,
        asterisk_host: "192.168.1.10",
        state: "final",
        call_status: "answered",
        count: 40,
        ids: 40,
        named: 40,
        people: 40,
        steps: 160,
      })),
    );
  const names = await office.rows("SELECT count(*)::int FROM calls WHERE unique_id = linkedid");
  expect(names).toEqual([{ count: 40 }]);
  for (const site of sites) expect(await countStored(office, site.id)).toEqual({ stored: 480, distinct: 480 });
});

it("a unique_id given once stays, whoever else brings the same later", async () => {
  const [one, two] = [await office.site("0367", "192.168.1.10"), await office.site("0368", "192.168.1.10")];
  const { events, linkedid } = phoneCall();
  const ids = () => office.rows("SELECT site_id, unique_id FROM calls ORDER BY site_id");
  await send(servers[0]!, two, events.slice(0, 4), { stream: crypto.randomUUID() });
  const stream = crypto.randomUUID();
  await send(servers[0]!, one, events, { stream });
  const given = [
    { site_id: one.id, unique_id: `s${one.id}-${linkedid}` },
    { site_id: two.id, unique_id: linkedid },
  ];
  expect(await ids()).toEqual(given);
  await office.rows("DELETE FROM calls WHERE site_id = $1", [two.id]);
  const late = { Event: "DTMFEnd", Uniqueid: linkedid, Linkedid: linkedid, Digit: "1" };
  await send(servers[1]!, one, [{ seq: 13, at: events[0]!.at, origin: "live", ev: late }], { stream });
  expect(await ids()).toEqual(given.slice(0, 1));
});
