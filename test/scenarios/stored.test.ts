import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MARKERS } from "../../shared/ami-event.ts";
import { assemble, type AssembledCall, type CallEvent } from "../../server/assemble/index.ts";
import { capture, captureNames } from "../support/captures.ts";
import { Script } from "../support/script.ts";
import { storedCalls } from "../support/stored-calls.ts";
import { LAB } from "../support/truth-directory.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { tellCalls } from "../ingest/tables.ts";

let office: Office;
let servers: Server[];

beforeAll(async () => {
  office = await openOffice();
  servers = [await office.server(), await office.server()];
});
afterAll(() => office.close());

interface Sending {
  site: Site;
  stream: string;
  events: CallEvent[];
}

async function sendingOf(events: CallEvent[]): Promise<Sending> {
  return { site: await office.site("0367", crypto.randomUUID()), stream: crypto.randomUUID(), events };
}

async function finish({ site, stream, events }: Sending): Promise<void> {
  await heartbeat(servers[0]!, site, { stream, oldestUnacked: null, highestSeq: events.length });
}

/** Without what sites may differ in: their address, and the prefix of an id another site took first. */
async function rowsOf({ site }: Sending): Promise<unknown> {
  const text = JSON.stringify(await tellCalls(office, site.id));
  const plain = text
    .replaceAll(/"s\d+-(\d+\.\d+")/g, '"$1')
    .replaceAll(/"asterisk_host":"[^"]*"/g, '"asterisk_host":""');
  return JSON.parse(plain) as unknown;
}

describe("what ends up in PostgreSQL", () => {
  const NAMES = captureNames().filter((name) => !/load/.test(name));
  const expected = new Map<string, unknown>();

  async function told(name: string): Promise<unknown> {
    if (!expected.has(name)) {
      const whole = await sendingOf(eventsOf(capture(name), "recommended"));
      await send(servers[0]!, whole.site, whole.events, { stream: whole.stream });
      await finish(whole);
      expected.set(name, await rowsOf(whole));
    }
    return expected.get(name);
  }

  it("is the same for events shuffled, cut into batches, in two lanes, twice, and between those of a site with equal ids", async () => {
    const someCapture = fc.constantFrom(...NAMES);
    await fc.assert(
      fc.asyncProperty(someCapture, someCapture, fc.infiniteStream(fc.nat()), async (one, other, picks) => {
        const names = [one, one, other];
        const sendings = await Promise.all(names.map((name) => sendingOf(eventsOf(capture(name), "recommended"))));
        const batches = shuffle(
          sendings.flatMap((sending) => piecesOf(sending, picks)),
          picks,
        );
        await Promise.all([0, 1, 2, 3].map((worker) => sendEach(batches, servers[worker % 2]!)));
        for (const sending of sendings) await finish(sending);
        for (const [n, sending] of sendings.entries()) {
          const right = await told(names[n]!);
          await expect.poll(() => rowsOf(sending)).toEqual(right);
        }
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});

interface Piece {
  sending: Sending;
  events: CallEvent[];
  lane: "live" | "backlog";
}

/** Every event once, a third of them twice, in batches that keep no order. */
function piecesOf(sending: Sending, picks: Iterator<number>): Piece[] {
  const again = sending.events.filter(() => picks.next().value % 3 === 0);
  const all = shuffle([...sending.events, ...again], picks);
  const pieces: Piece[] = [];
  for (let from = 0; from < all.length;) {
    const length = 1 + (picks.next().value % 60);
    const events = all.slice(from, from + length);
    pieces.push({ sending, events, lane: picks.next().value % 2 === 0 ? "live" : "backlog" });
    from += length;
  }
  return pieces;
}

async function sendEach(batches: Piece[], server: Server): Promise<void> {
  for (let piece = batches.pop(); piece !== undefined; piece = batches.pop()) {
    const { sending, events, lane } = piece;
    await send(server, sending.site, events, { stream: sending.stream, lane, highestSeq: sending.events.length });
  }
}

function shuffle<T>(items: T[], picks: Iterator<number>): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = picks.next().value % (at + 1);
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
  return items;
}

describe("a running call's row in PostgreSQL, looked at after every event", () => {
  const RANK: Record<string, number> = { dialing: 0, no_answer: 1, busy: 1, answered: 2 };

  function untruths(call: AssembledCall): string[] {
    const types = call.steps.map((step) => step.key.type);
    const told = [call.callStatus, call.endTime, call.durationSeconds].filter((value) => value !== null).length;
    return [
      told === (call.ended ? 3 : 0) ? "" : "status, end and duration go together with the end",
      types.filter((type) => type === "hangup").length === (call.ended ? 1 : 0) ? "" : "one hangup, at the end",
      call.ended && types.at(-1) !== "hangup" ? "hangup is not last" : "",
      types[0] === "start" ? "" : "start is not first",
      call.steps.every((step, n) => step.sequence === n + 1) ? "" : "steps are not numbered 1, 2, 3",
      call.ended && call.participants.some((one) => one.status === "dialing") ? "somebody still rings" : "",
    ].filter((text) => text !== "");
  }

  it.each(["22/ring_group_answered", "16/blind_transfer", "22/hunt_third_answers", "22/incoming_unregistered"])(
    "%s",
    async (name) => {
      const { site, stream, events } = await sendingOf(eventsOf(capture(name), "recommended"));
      const ranks = new Map<string, number>();
      const seen: string[] = [];
      for (const event of events) {
        await send(servers[0]!, site, [event], { stream, highestSeq: event.seq });
        for (const call of await storedCalls(office.db.pool, site.id)) {
          expect(untruths(call)).toEqual([]);
          for (const { extension, ringOrder, status } of call.participants) {
            const who = `${call.linkedid} ${ringOrder} ${extension}`;
            expect(RANK[status]).toBeGreaterThanOrEqual(ranks.get(who) ?? 0);
            ranks.set(who, RANK[status]!);
          }
          seen.push(`${call.callStatus} ${call.participants.map((one) => one.status).join(" ")}`);
        }
      }
      expect(seen.some((row) => row.startsWith("null") && row.includes("dialing"))).toBe(
        name !== "22/incoming_unregistered",
      );
      expect(seen.at(-1)).toMatch(/^(answered|no_answer)/);
    },
    60_000,
  );
});

describe("events of a site that concern its calls", () => {
  /** Two callers in one conference: each is a call of its own, answered because the other is there. */
  function conference(): CallEvent[] {
    const pbx = new Script();
    const one = pbx.arrives("PJSIP/150-00000001", { number: "150", exten: "8001", context: "from-internal" });
    const room = { Conference: "8001", BridgeUniqueid: "c1" };
    pbx.about("ConfbridgeJoin", one, { ...room, BridgeNumChannels: "2" });
    const two = pbx.wait(3).arrives("PJSIP/151-00000002", { number: "151", exten: "8001", context: "from-internal" });
    pbx.about("ConfbridgeJoin", two, { ...room, BridgeNumChannels: "3" });
    pbx.wait(5).about("ConfbridgeLeave", two, room).gone(16, two);
    pbx.wait(2).about("ConfbridgeLeave", one, room).gone(16, one);
    return pbx.events;
  }

  it("reach the call they name and every other that runs: a conference is an answer for those who are in it", async () => {
    const sending = await sendingOf(conference());
    for (const event of sending.events) {
      await send(servers[event.seq % 2]!, sending.site, [event], { stream: sending.stream, highestSeq: event.seq });
    }
    const calls = await storedCalls(office.db.pool, sending.site.id);
    const outcome = (call: AssembledCall) => [call.linkedid, call.callStatus, call.extra];
    expect(calls.map((call) => call.callStatus)).toEqual(["answered", "answered"]);
    expect(calls.map(outcome)).toEqual(assemble(sending.events, LAB).map(outcome));
    const kept = await office.rows(
      `SELECT (SELECT count(*)::int FROM jsonb_array_elements(raw_data) e WHERE e -> 'ev' ->> 'Event' = 'ConfbridgeJoin') AS joins
       FROM calls WHERE site_id = $1`,
      [sending.site.id],
    );
    expect(kept).toContainEqual({ joins: 2 });
  });

  it("reach a click-to-call whose Originate failed without naming a channel", async () => {
    const pbx = new Script();
    const phone = pbx.made("PJSIP/150-00000001", { number: "150", context: "from-internal" });
    pbx.dials(null, phone, "150").wait(4);
    pbx.say("OriginateResponse", {
      Response: "Failure",
      Channel: "PJSIP/150",
      Exten: "0507770002",
      Uniqueid: "<unknown>",
    });
    pbx.gone(19, phone);
    const { site, stream, events } = await sendingOf(pbx.events);
    for (const event of events) await send(servers[0]!, site, [event], { stream, highestSeq: event.seq });
    expect(await storedCalls(office.db.pool, site.id)).toMatchObject([
      { callType: "outgoing", phoneNumber: "0507770002" },
    ]);
  });

  it("tell how long a call was known to live when AMI was lost, and close it with the next snapshot", async () => {
    const pbx = new Script();
    pbx.say(MARKERS.captureStarted);
    pbx.arrives("PJSIP/trunk-a-00000001", { context: "from-trunk", number: "0501112233", exten: "0443000150" });
    pbx.wait(5).say(MARKERS.captureLost, { Cause: "ami_lost", Since: String(pbx.at()) });
    pbx.wait(3600).say(MARKERS.captureStarted).say(MARKERS.snapshot, { Uniqueid: [], Linkedid: [], Complete: "true" });
    const { site, stream, events } = await sendingOf(pbx.events);
    for (const event of events) await send(servers[1]!, site, [event], { stream, highestSeq: event.seq });
    expect(await storedCalls(office.db.pool, site.id)).toMatchObject([
      { ended: true, callStatus: "no_answer", durationSeconds: 5, extra: { completeness: "inferred_end" } },
    ]);
  });

  it("that name ids but no channel make no row", async () => {
    const ev = { Event: "UserEvent", Uniqueid: "1795477999.1", Linkedid: "1795477999.1" };
    const { site, stream } = await sendingOf([]);
    await send(servers[0]!, site, [{ seq: 1, at: Date.now(), origin: "live", ev }], { stream });
    expect(await storedCalls(office.db.pool, site.id)).toEqual([]);
  });
});
