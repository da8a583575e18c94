import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heartbeat, openOffice, send, STREAM, type Office, type Server, type Site } from "./office.ts";
import { phoneCall } from "./phone-call.ts";
import { countStored, tellCalls } from "./tables.ts";

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
const count = events.length;

async function received(): Promise<string> {
  const [stream] = await office.rows<{ received: string }>("SELECT received::text FROM streams WHERE uuid = $1", [
    STREAM,
  ]);
  return stream!.received;
}

describe("a batch that comes again", () => {
  it("is acked again and changes nothing", async () => {
    const first = await send(server, site, events);
    const before = await tellCalls(office, site.id);
    const second = await send(server, site, events);

    expect(first.acked).toEqual([[1, count]]);
    expect(second.acked).toEqual([[1, count]]);
    expect(await countStored(office, site.id)).toEqual({ stored: count, distinct: count });
    expect(await tellCalls(office, site.id)).toEqual(before);
    expect(before).toMatchObject([{ call_status: "answered", state: "final" }]);
  });

  it("keeps the tag of the first arrival", async () => {
    await send(server, site, events);
    await send(
      server,
      site,
      events.map((event) => ({ ...event, origin: "downloaded" as const })),
    );
    expect(await office.rows("SELECT DISTINCT origin FROM ami_events")).toEqual([{ origin: "live" }]);
    expect(await tellCalls(office, site.id)).toMatchObject([{ data_source: "live" }]);
  });

  it("counts an event once that stands in it twice", async () => {
    const reply = await send(server, site, [...events.slice(0, 5), ...events.slice(2)]);
    expect(reply.acked).toEqual([[1, count]]);
    expect(await countStored(office, site.id)).toEqual({ stored: count, distinct: count });
    expect(await office.rows("SELECT * FROM rejected_events")).toEqual([]);
  });

  it("with half of it known stores only the other half", async () => {
    await send(server, site, events.slice(0, 8));
    const reply = await send(server, site, events.slice(4), { lane: "backlog" });
    expect(reply.acked).toEqual([[5, count]]);
    expect(await countStored(office, site.id)).toEqual({ stored: count, distinct: count });
    expect(await received()).toBe(`{[1,${count + 1})}`);
  });

  it("in any order of seqs within it is stored in order", async () => {
    await send(server, site, events.toReversed());
    expect(await tellCalls(office, site.id)).toMatchObject([{ call_status: "answered", event_count: count }]);
  });
});

describe("two servers on one database", () => {
  it("take the same and overlapping batches at once and store each event once", async () => {
    const servers = [server, await office.server()];
    const calls = Array.from({ length: 30 }, (_, serial) => phoneCall({ from: 1 + serial * count, serial }));
    const all = calls.flatMap((call) => call.events);
    const batches = [0, 1, 2].flatMap((shift) =>
      Array.from({ length: 20 }, (_, at) => all.slice(at * 20 + shift * 7, at * 20 + shift * 7 + 40)),
    );
    batches.push(...Array.from({ length: Math.ceil(all.length / 50) }, (_, at) => all.slice(at * 50, at * 50 + 50)));
    await Promise.all(
      batches.flatMap((batch, at) => [
        send(servers[0]!, site, batch, { lane: at % 2 === 0 ? "live" : "backlog" }),
        send(servers[1]!, site, batch, { lane: at % 3 === 0 ? "live" : "backlog" }),
      ]),
    );
    await heartbeat(server, site, { oldestUnacked: null, highestSeq: all.length });

    expect(await countStored(office, site.id)).toEqual({ stored: all.length, distinct: all.length });
    expect(await received()).toBe(`{[1,${all.length + 1})}`);
    await expect
      .poll(() => office.rows("SELECT state, call_status, count(*)::int FROM calls GROUP BY 1, 2"))
      .toEqual([{ state: "final", call_status: "answered", count: 30 }]);
    const steps = await office.rows(
      "SELECT count(*)::int AS all, count(DISTINCT (leg, event_type, nth))::int AS distinct FROM call_events",
    );
    expect(steps).toEqual([{ all: 30 * 4, distinct: 30 * 4 }]);
  });

  it("see what the other wrote of a call in between", async () => {
    const other = await office.server();
    for (const [at, event] of events.entries()) {
      await send([server, other, server][at % 3]!, site, [event]);
    }
    const [told] = await tellCalls(office, site.id);
    const alone = await office.site("0367", "10.88.10.12");
    await send(server, alone, events, { stream: crypto.randomUUID() });
    const [expected] = await tellCalls(office, alone.id);
    const { unique_id: _a, asterisk_host: _b, steps: got, ...rest } = told as Record<string, unknown>;
    const { unique_id: _c, asterisk_host: _d, steps: wanted, ...same } = expected as Record<string, unknown>;
    expect(rest).toEqual(same);
    const free = (steps: unknown) => (steps as { unique_id: string }[]).map((step) => ({ ...step, unique_id: "" }));
    expect(free(got)).toEqual(free(wanted));
  });
});

describe("a deadlock", () => {
  it("costs a repetition, not the batch", async () => {
    const [one, two] = [phoneCall({ serial: 1 }), phoneCall({ serial: 2, from: 1 + count })];
    await send(server, site, [...one.events.slice(0, 4), ...two.events.slice(0, 4)]);
    const rival = await office.db.pool.connect();
    const lock = (linkedid: string) => rival.query("SELECT FROM calls WHERE linkedid = $1 FOR UPDATE", [linkedid]);
    try {
      await rival.query("BEGIN");
      await lock(two.linkedid);
      const sent = send(server, site, [...one.events.slice(4), ...two.events.slice(4)]);
      await expect
        .poll(() =>
          office.rows(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'FROM calls'",
          ),
        )
        .toHaveLength(1);
      await lock(one.linkedid);
      await rival.query("COMMIT");
      await sent;
    } finally {
      rival.release();
    }
    const deadlocks = "SELECT deadlocks > 0 AS met FROM pg_stat_database WHERE datname = current_database()";
    await expect.poll(() => office.rows(deadlocks), { timeout: 10_000 }).toEqual([{ met: true }]);
    expect(await countStored(office, site.id)).toEqual({ stored: 2 * count, distinct: 2 * count });
    const calls = await tellCalls(office, site.id);
    expect(calls).toMatchObject([{ call_status: "answered" }, { call_status: "answered" }]);
  });
});

describe("a database put back from an older backup", () => {
  it("makes the server ask for what the agent believes acked, oldest first", async () => {
    await send(server, site, events);
    await office.rows("UPDATE streams SET received = '{[1,3],[6,8]}'");
    await office.rows("DELETE FROM ami_events WHERE seq IN (4, 5) OR seq > 8");
    const reply = await heartbeat(server, site, { oldestUnacked: null, highestSeq: count });
    expect(reply.commands).toEqual([
      {
        do: "resend_ranges",
        ranges: [
          [4, 5],
          [9, count],
        ],
      },
    ]);
    await send(server, site, events, { lane: "backlog" });
    expect(await countStored(office, site.id)).toEqual({ stored: count, distinct: count });
    const after = await heartbeat(server, site, { oldestUnacked: null, highestSeq: count });
    expect(after.commands).toEqual([]);
  });

  it("asks for a thousand ranges at most", async () => {
    await heartbeat(server, site);
    await office.rows(
      "UPDATE streams SET received = (SELECT range_agg(int8range(i, i, '[]')) FROM generate_series(2, 6000, 2) i)",
    );
    const reply = await heartbeat(server, site, { oldestUnacked: null, highestSeq: 6000 });
    const [command] = reply.commands;
    expect(command).toMatchObject({ do: "resend_ranges" });
    expect(command?.do === "resend_ranges" && [command.ranges.length, command.ranges[0]]).toEqual([1000, [1, 1]]);
  });

  it("never asks for what the agent still has to send", async () => {
    const reply = await send(server, site, events.slice(6), { oldestUnacked: 1, highestSeq: count });
    expect(reply.commands).toEqual([]);
  });
});
