import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { original } from "../../server/ingest/storable.ts";
import { body, line, openOffice, send, type Office, type Server, type Site } from "./office.ts";
import { phoneCall } from "./phone-call.ts";

let office: Office;
let server: Server;
let site: Site;
let hosts = 0;
const stream = () => crypto.randomUUID();

beforeAll(async () => {
  office = await openOffice();
  server = await office.server();
});
afterAll(() => office.close());

const newSite = async () => (site = await office.site("0367", `10.8.0.${hosts++}`));
const bodies = () =>
  office.rows<{ body: Record<string, string> }>("SELECT body FROM ami_events WHERE site_id = $1 ORDER BY seq", [
    site.id,
  ]);

describe("text that a PBX may send", () => {
  const odd = {
    Nul: "before\0after",
    "Header\0name": "v",
    LoneHigh: "x\ud83dx",
    LoneLow: "\udc00",
    Pair: "\u{1f4de}",
    Escape: "\ufdd00000",
    Quotes: '"\\" \\u0000',
    Control: "\u0001\u001f\u007f",
    List: "",
  };

  it("is stored whatever it is, and what came can be had back exactly", async () => {
    await newSite();
    await send(server, site, [{ seq: 1, at: 1, origin: "live", ev: { Event: "UserEvent", ...odd } }], {
      stream: stream(),
    });
    const [row] = await bodies();
    const back = Object.fromEntries(Object.entries(row!.body).map(([name, text]) => [original(name), original(text)]));
    expect(back).toEqual({ Event: "UserEvent", ...odd });
  });

  it("does not keep a call from being told, with NUL and lone surrogates in every field that reaches a table", async () => {
    await newSite();
    const { events } = phoneCall({ serial: 1 });
    const named = events.map((event) => ({ ...event, ev: { ...event.ev, CallerIDName: "A\0\udfff", "X\0": "\0" } }));
    await send(server, site, named, { stream: stream() });
    const calls = await office.rows<{ call_status: string; caller: string }>(
      "SELECT call_status, extra_data ->> 'caller_name' AS caller FROM calls WHERE site_id = $1",
      [site.id],
    );
    expect(calls.map((call) => [call.call_status, original(call.caller)])).toEqual([["answered", "A\0\udfff"]]);
    expect(await office.rows("SELECT * FROM rejected_events WHERE site_id = $1", [site.id])).toEqual([]);
  });

  it("of a megabyte in any header, ids and numbers included, is stored and the call is told", async () => {
    await newSite();
    const big = "9".repeat(1_000_000);
    const { events } = phoneCall({ serial: 2, number: big });
    const fat = events.map((event, at) =>
      at === 2 ? { ...event, ev: { ...event.ev, Variable: big, DestUniqueid: big } } : event,
    );
    const reply = await send(server, site, fat, { stream: stream() });
    expect(reply.acked).toEqual([[1, events.length]]);
    const [row] = await office.rows(
      "SELECT state, length(phone_number) < 300 AS clipped FROM calls WHERE site_id = $1",
      [site.id],
    );
    expect(row).toEqual({ state: "final", clipped: true });
    const stored = await office.rows<{ length: number }>(
      "SELECT length(body ->> 'Variable') AS length FROM ami_events WHERE site_id = $1 AND seq = 3",
      [site.id],
    );
    expect(stored).toEqual([{ length: 1_000_000 }]);
  });

  it("in bytes that are no UTF-8 is stored with the replacement character", async () => {
    await newSite();
    const text = body([line({ seq: 1, at: 1, origin: "live", ev: { Event: "A", Name: "~" } })], { stream: stream() });
    const bytes = Buffer.from(text);
    bytes[bytes.indexOf("~")] = 0xff;
    expect((await server.post(site.key, bytes)).status).toBe(200);
    expect((await bodies())[0]!.body["Name"]).toBe("\ufffd");
  });
});

describe("a PBX whose clock is wrong", () => {
  it.each([
    ["1970", 0],
    ["2099", Date.UTC(2099, 11, 31, 23, 59, 59)],
    ["the end of time", 8_640_000_000_000_000],
  ])("and says %s is not refused", async (_, start) => {
    await newSite();
    const { events } = phoneCall({ serial: 3 + hosts });
    const shift = start - events[0]!.at;
    const moved = events.map((event) => ({ ...event, at: Math.min(event.at + shift, 8_640_000_000_000_000) }));
    await send(server, site, moved, { stream: stream() });
    const rows = await office.rows(
      `SELECT state, call_status, extract(epoch FROM start_time)::float8 * 1000 AS start FROM calls WHERE site_id = $1`,
      [site.id],
    );
    expect(rows).toEqual([{ state: "final", call_status: "answered", start }]);
  });

  it("in its own Timestamp headers is not refused", async () => {
    await newSite();
    const stamps = ["0.000001", "4102444799.999999", "99999999999999999999", "-5", "nonsense"];
    for (const [serial, stamp] of stamps.entries()) {
      const { events } = phoneCall({ serial: 20 + serial });
      const stamped = events.map((event) => ({ ...event, ev: { ...event.ev, Timestamp: stamp } }));
      await send(server, site, stamped, { stream: stream() });
    }
    const rows = await office.rows("SELECT state, count(*)::int FROM calls WHERE site_id = $1 GROUP BY 1", [site.id]);
    expect(rows).toEqual([{ state: "final", count: stamps.length }]);
  });
});
