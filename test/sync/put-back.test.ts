import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEngine, openReceiver, setHooks, type Receiver } from "../deliver/receiver.ts";
import type { CallEvent } from "../../server/assemble/index.ts";
import { listGaps } from "../../server/store/listGaps.ts";
import { body, line, openOffice, send, STREAM, type Office, type Server, type Site } from "../ingest/office.ts";
import { phoneCall } from "../ingest/phone-call.ts";
import { MARKERS } from "../../shared/ami-event.ts";
import type { SeqRange } from "../../shared/wire.ts";
import { blindBetween } from "../support/blind.ts";
import { capture } from "../support/captures.ts";
import { celRowsOf } from "../support/recovered.ts";
import { eventsOf } from "../support/truth-events.ts";

let office: Office;
let server: Server;
let site: Site;
let receiver: Receiver;
let engine: { stop(): Promise<void> } | undefined;
beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
  receiver = await openReceiver();
  await setHooks(office, [{ url: receiver.url }]);
});
afterEach(async () => {
  await receiver.close();
  await engine?.stop();
  engine = undefined;
  await office.close();
});

const FILE = "00000000-0000-4000-8000-00000000ce10";
const { events } = phoneCall();
const count = events.length;
type Events = readonly Parameters<typeof line>[0][];
const downloaded = (list: Events) => list.map((event) => ({ ...event, origin: "downloaded" as const }));

/** A batch, or a heartbeat, from an agent that tells what it was ever acked. */
async function sends(
  list: Events,
  acked: SeqRange[] | undefined,
  to = server,
  from = { key: site.key, stream: STREAM },
): Promise<void> {
  const [header = "", ...lines] = body(list.map(line), { highestSeq: 1_000, stream: from.stream })
    .trimEnd()
    .split("\n");
  const told = JSON.stringify({ ...(JSON.parse(header) as object), ...(acked && { acked }) });
  const answer = await to.post(from.key, [told, ...lines].map((text) => `${text}\n`).join(""));
  expect(answer.status).toBe(200);
}
/** A list cut before these indexes. */
function pieces<T>(list: readonly T[], cuts: readonly number[]): T[][] {
  const at = [...new Set([0, ...cuts])].toSorted((a, b) => a - b);
  return at.map((from, n) => list.slice(from, at[n + 1])).filter((piece) => piece.length > 0);
}
const steps = () =>
  office.rows(
    "SELECT event_type AS type, needs_integration AS needs, processed FROM call_events ORDER BY call_id, event_sequence",
  );
const deliveries = () =>
  office.rows<{ type: string; state: string }>("SELECT event_type AS type, state FROM deliveries ORDER BY id");
const told = () => receiver.got.map(({ body: { data } }) => data.step);
const silent = (type: string) => ({ type, needs: false, processed: true });

it("calls of which everything had been acked are not announced again; one that was not whole is", async () => {
  await sends(downloaded(events), [[1, count]]);
  expect(await steps()).toEqual(["start", "dial", "bridge", "hangup"].map(silent));
  expect(await deliveries()).toEqual([]);

  const half = phoneCall({ serial: 1, from: count + 1 });
  await sends(downloaded(half.events.slice(0, -1)), [[1, 2 * count - 1]]);
  await sends(half.events.slice(-1), [[1, 2 * count - 1]]);
  expect(await deliveries()).toEqual([{ type: "hangup", state: "waiting" }]);
});

it("what comes and is acked after it was put back is news, also while older events are still missing", async () => {
  await sends([], [[1, count]]);
  const next = phoneCall({ serial: 1, from: count + 1 });
  await sends(next.events.slice(0, -1), [[1, count]]);
  await sends(next.events.slice(-1), [[1, 2 * count - 1]]);
  await sends([], [[1, 2 * count]]);
  await sends(downloaded(events), [[1, 2 * count]]);
  expect((await deliveries()).map(({ type }) => type)).toEqual(["start", "dial", "bridge", "hangup"]);
});

describe("a call that was answered while nobody listened, and told by rows that are lost with the database", () => {
  const name = "22/incoming_answered";
  const heard = eventsOf(capture(name), "recommended");
  const rings = heard.find(({ ev }) => ev.Event === "DialBegin")!.at;
  const over = heard.at(-1)!.at + 1_000;
  const { live, rows } = blindBetween(heard, celRowsOf(name), rings, over);
  const wire = (list: readonly CallEvent[]) =>
    list.map(({ seq, at, ev }) => ({ seq, at, origin: "downloaded" as const, ev }));
  const times = { From: String(rings), To: String(over) };
  const Spans = [`${FILE} ${rows[0]!.seq} ${rows.at(-1)!.seq}`];
  const read = (seq: number) => {
    const ev = { Event: MARKERS.recovered, ...times, Source: "cel_csv", Rows: "12", Result: "complete", Spans };
    return { seq, at: over + 3_000, origin: "downloaded" as const, ev };
  };
  const all = live.length + 1;
  const call = () =>
    office.rows(
      `SELECT call_status, (SELECT array_agg(needs_integration) FROM call_events e WHERE e.call_id = c.id
         AND event_type = 'hangup') AS needs FROM calls c`,
    );
  const sendRows = () => {
    const span: [number, number] = [rows[0]!.seq, rows.at(-1)!.seq];
    const list = rows.map(({ seq, at, ev }) => ({ seq, at, origin: "recovered" as const, ev }));
    return send(server, site, list, { stream: FILE, lane: "backlog", kind: "file", span, highestSeq: span[1] });
  };

  it("has no outcome until they are read again, which is asked for at once, and is not announced again", async () => {
    await sends([...wire(live), read(all)], [[1, all]]);
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    const asked = "SELECT (extract(epoch FROM from_time) * 1000)::float8 AS from, asked_by AS by FROM downloads";
    expect(await office.rows(asked)).toEqual([{ from: rings, by: "sync" }]);
    await sendRows();
    expect(await call()).toMatchObject([{ call_status: null }]);
    await sends([read(all + 1)], [[1, all]]);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [false] }]);
    expect(await deliveries()).toEqual([]);
  });

  it("has none either where the word that they are read comes for the first time: they were lost just before it", async () => {
    await sends([...wire(live), read(all)], [[1, all - 1]]);
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    await sendRows();
    await sends([read(all + 1)], [[1, all]]);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [true] }]);
  });

  it("is announced where it had not been: the reading was not over when the database was lost", async () => {
    await sends(wire(live), [[1, all - 1]]);
    await sendRows();
    await sends([read(all)], [[1, all - 1]]);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [true] }]);
    expect(await deliveries()).toEqual([{ type: "hangup", state: "waiting" }]);
  });

  it("is neither told as missed nor announced again, however what comes again and its rows mix", async () => {
    const cases = fc.record({
      lives: fc.array(fc.integer({ min: 1, max: live.length }), { maxLength: 3 }),
      rowsAt: fc.array(fc.nat({ max: rows.length - 1 }), { maxLength: 2 }),
      order: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ lives, rowsAt, order }) => {
        const own = await office.site("0367", crypto.randomUUID());
        const from = { key: own.key, stream: crypto.randomUUID() };
        const file = crypto.randomUUID();
        const Spans = [`${file} ${rows[0]!.seq} ${rows.at(-1)!.seq}`];
        const word = (seq: number) => ({ ...read(seq), ev: { ...read(seq).ev, Spans } });
        const part = (list: readonly CallEvent[]) => {
          const span: [number, number] = [list[0]!.seq, list.at(-1)!.seq];
          const wired = list.map(({ seq, at, ev }) => ({ seq, at, origin: "recovered" as const, ev }));
          return send(server, own, wired, { stream: file, lane: "backlog", kind: "file", span, highestSeq: span[1] });
        };
        // What had been acked comes oldest first; rows of readings that went on come as they like, each file's in order.
        const heardAgain = pieces([...wire(live), word(all)], lives).map(
          (list) => () => sends(list, [[1, all]], server, from),
        );
        const rowsAgain = pieces(rows, rowsAt).map((list) => () => part(list));
        const shown = async () => {
          const [row] = await office.rows<{ status: string | null; needs: boolean[] | null }>(
            `SELECT call_status AS status, (SELECT array_agg(needs_integration) FROM call_events e WHERE e.call_id = c.id
               AND event_type = 'hangup') AS needs FROM calls c WHERE site_id = $1`,
            [own.id],
          );
          return row;
        };
        await sends([], [[1, all]], server, from);
        while (heardAgain.length + rowsAgain.length > 0) {
          const isRows = order.shift() ?? false;
          await ((isRows ? rowsAgain : heardAgain).shift() ?? (isRows ? heardAgain : rowsAgain).shift())?.();
          expect([undefined, null, "answered"]).toContain((await shown())?.status);
        }
        await part(rows);
        await sends([word(all + 1)], [[1, all]], server, from);
        await expect.poll(shown).toEqual({ status: "answered", needs: [false] });
      }),
      { numRuns: 15, seed: 11 },
    );
  }, 60_000);

  it("is announced where it ran on into a blindness of which nothing had been read yet", async () => {
    const half = Math.round((rings + over) / 2);
    const began = (seq: number, to: number) => ({
      seq,
      at: to,
      origin: "downloaded" as const,
      ev: { Event: MARKERS.captureStarted, Repair: "pending", RepairTo: String(to) },
    });
    const first = { ...read(all), ev: { ...read(all).ev, To: String(half), Spans: [] } };
    const second = { ...read(all + 2), ev: { ...read(all).ev, From: String(half + 1) } };
    await sends([...wire(live), first, began(all + 1, over)], [[1, all + 1]]);
    await sendRows();
    await sends([second], [[1, all + 1]]);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [true] }]);
  });

  it("has none from its rows alone while what was heard of it has not come again", async () => {
    await sends([], [[1, all]]);
    await sendRows();
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    await sends(wire(live), [[1, all]]);
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    await sends([read(all)], [[1, all]]);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [false] }]);
  });

  it("has none where an older word says that nothing could be read for the same time", async () => {
    const nothing = { ...read(all + 1), ev: { ...read(all + 1).ev, Result: "failed", Spans: [] } };
    await sends([...wire(live), read(all), nothing], [[1, all + 1]]);
    await sends([], [[1, all + 1]]);
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    await sendRows();
    await sends([read(all + 2)], [[1, all + 1]]);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [false] }]);
  });

  it("has none while the word of its reading has not come again, however old the copy is in which it waits for it", async () => {
    await sends(wire(live), []);
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    const later = await office.server({ now: () => Date.now() + 11 * 60_000 });
    await sends([], [[1, all]], later);
    await sends([], [[1, all]], later);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await call()).toEqual([{ call_status: null, needs: null }]);
    await sends([read(all)], [[1, all]], later);
    await sendRows();
    await sends([read(all + 1)], [[1, all]], later);
    await expect.poll(call).toEqual([{ call_status: "answered", needs: [false] }]);
  });
});

it("what waits in the copy about a call that rows alone tell, and that is not over, is given up as well", async () => {
  const rows = celRowsOf("22/incoming_answered").filter(({ ev }) => !/HANGUP|END|EXIT/.test(String(ev["EventName"])));
  const list = rows.map(({ seq, at, ev }) => ({ seq, at, origin: "recovered" as const, ev }));
  const span: [number, number] = [rows[0]!.seq, rows.at(-1)!.seq];
  await send(server, site, list, { stream: FILE, lane: "backlog", kind: "file", span, highestSeq: span[1] });
  expect(await office.rows("SELECT state, proof FROM calls")).toEqual([{ state: "running", proof: [] }]);
  await office.rows(
    `INSERT INTO deliveries (enterprise_id, call_id, unique_id, site_id, leg, event_type, nth, channel, target, urgency)
     SELECT enterprise_id, id, unique_id, site_id, linkedid, 'bridge', 1, 'webhook', 'crm', 1 FROM calls`,
  );
  await sends([], [[1, count]]);
  expect(await deliveries()).toEqual([{ type: "bridge", state: "given_up" }]);
});

describe("until its agent has told whether the database is a copy", () => {
  const age = () => office.rows("UPDATE sites SET last_seen = '2000-01-01'");
  const isHeard = async () =>
    (await office.rows("SELECT last_seen > '2000-01-01' AS heard FROM sites"))[0] as { heard: boolean };
  const rowsBody = () => {
    const row = { seq: 1, at: Date.now(), origin: "recovered" as const, ev: { Event: "CEL", EventName: "CHAN_START" } };
    return body([line(row)], { stream: FILE, lane: "backlog", kind: "file", span: [1, 1] });
  };

  it("a site's rows are not taken, nor is it heard by them", async () => {
    await age();
    expect(await server.post(site.key, rowsBody())).toMatchObject({ status: 503, body: { error: "busy" } });
    expect(await isHeard()).toEqual({ heard: false });
    await sends([], [[1, count]]);
    expect(await server.post(site.key, rowsBody())).toMatchObject({ status: 200 });
  });

  it("a site does not count as heard: what waits in the copy would be sent before it is given up", async () => {
    await sends(events.slice(0, 1), []);
    await age();
    const held = await office.db.pool.connect();
    await held.query("BEGIN");
    await held.query("SELECT FROM streams FOR UPDATE");
    const telling = sends(events.slice(1), [[1, count]], await office.server());
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await isHeard()).toEqual({ heard: false });
    await held.query("COMMIT");
    held.release();
    await telling;
    expect(await isHeard()).toEqual({ heard: true });
  });
});

it("what gaps say will never come does not look like a database that was put back", async () => {
  await office.rows(
    `INSERT INTO streams (uuid, site_id) VALUES ('${STREAM}', 1);
     INSERT INTO gaps (site_id, stream_id, marker_seq, cause, from_time, to_time) VALUES (1, 1, 9, 'agent_down', now(), now())`,
  );
  await sends([], [[1, 3]]);
  const gaps = await listGaps(office.db.pool, {}, Date.now());
  expect(gaps).toMatchObject([{ cause: "agent_down", asked_at: null }]);
  expect(await office.rows("SELECT acked_before::text AS before FROM streams")).toEqual([{ before: "{[1,4)}" }]);
  await office.rows("UPDATE streams SET acked_before = '{}', filled = '{[1,4)}'");
  await sends([], [[1, 3]]);
  expect(await office.rows("SELECT acked_before::text AS before FROM streams")).toEqual([{ before: "{}" }]);
});

it("deliveries that wait in the copy are given up once the agent has told, and wait for it until then", async () => {
  await sends(events, []);
  expect(await deliveries()).toHaveLength(4);
  // The copy is put back: nothing has been heard since, and the agent was acked more than is here.
  const now = Date.now();
  await office.rows("UPDATE sites SET last_seen = now() - interval '1 hour'");
  engine = openEngine(office, { startedAt: now });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(told()).toEqual([]);
  const [two, three] = [await office.server(), await office.server()];
  await Promise.all([two, three].map((each) => sends([], [[1, count + 5]], each)));
  expect(new Set((await deliveries()).map(({ state }) => state))).toEqual(new Set(["given_up"]));
  expect((await steps()).map(({ processed }) => processed)).toEqual([true, true, true, true]);
  expect([...two.log, ...three.log].filter((text) => text.includes("put back"))).toHaveLength(1);
  const next = phoneCall({ serial: 1, from: count + 6 });
  await sends(next.events, [[1, count + 5]], two);
  await expect.poll(told, { timeout: 10_000 }).toEqual(["start", "dial", "bridge", "hangup"]);
});

it("after a start what is owed goes out as soon as the agent was heard and had nothing to tell", async () => {
  await sends(events, []);
  await office.rows("UPDATE sites SET last_seen = now() - interval '1 hour'");
  engine = openEngine(office, { startedAt: Date.now() });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(told()).toEqual([]);
  await sends([], [[1, count]]);
  await expect.poll(told, { timeout: 10_000 }).toEqual(["start", "dial", "bridge", "hangup"]);
});
