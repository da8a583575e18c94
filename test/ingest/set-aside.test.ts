import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assembler } from "../../server/ingest/assembler.ts";
import { openOffice, send, type Office, type Site } from "./office.ts";
import { phoneCall } from "./phone-call.ts";
import { countStored } from "./tables.ts";

let office: Office;
let site: Site;

beforeEach(async () => {
  office = await openOffice();
  site = await office.site();
});
afterEach(() => office.close());

const [one, two, three] = [0, 1, 2].map((serial) => phoneCall({ serial, from: 1 + serial * 100 }));
const rejected = () =>
  office.rows("SELECT seq::int, reason, detail, body ->> 'Event' AS event FROM rejected_events ORDER BY seq");
const calls = () => office.rows("SELECT linkedid, state, call_status FROM calls ORDER BY linkedid");
const final = (linkedid: string) => ({ linkedid, state: "final", call_status: "answered" });

describe("an event the assembler cannot digest", () => {
  const POISON = "Poison";
  const poison = (seq: number) => ({
    seq,
    at: one!.events[0]!.at,
    origin: "live" as const,
    ev: { Event: POISON, Uniqueid: one!.linkedid, Linkedid: one!.linkedid },
  });
  const throwsOn = (what: "foldEvent" | "linkKeys" | "readCall") => ({
    ...assembler,
    foldEvent: ((fold, event) => {
      if (event.ev.Event === POISON && what === "foldEvent") throw new Error("cannot fold this");
      if (event.ev.Event === POISON) (fold as { poisoned?: boolean }).poisoned = true;
      assembler.foldEvent(fold, event);
    }) as typeof assembler.foldEvent,
    linkKeys: ((ev) => {
      if (ev.Event === POISON && what === "linkKeys") throw new Error("cannot link this");
      return assembler.linkKeys(ev);
    }) as typeof assembler.linkKeys,
    readCall: ((fold, directory) => {
      if (what === "readCall" && (fold as { poisoned?: boolean }).poisoned) throw new Error("cannot read this");
      return assembler.readCall(fold, directory);
    }) as typeof assembler.readCall,
  });

  it.each([
    ["folding", "foldEvent", "cannot fold this"],
    ["linking", "linkKeys", "cannot link this"],
    ["reading", "readCall", "cannot read this"],
  ] as const)("when %s is kept with the reason, and its call and all others go on", async (_, what, detail) => {
    const server = await office.server({ assembler: throwsOn(what) });
    const middle = [
      ...one!.events.slice(0, 5),
      poison(6),
      ...one!.events.slice(5).map((e) => ({ ...e, seq: e.seq + 1 })),
    ];
    const reply = await send(server, site, [...middle, ...two!.events]);

    expect(reply.acked).toEqual([
      [1, one!.events.length + 1],
      [101, 100 + two!.events.length],
    ]);
    expect(await rejected()).toEqual([{ seq: 6, reason: "undigestible", detail, event: POISON }]);
    expect(await calls()).toEqual([final(one!.linkedid), final(two!.linkedid)]);
    expect(server.log.join()).toContain("set aside in rejected_events");
  });

  it("coming in a batch of its own, and again, is kept once and its call still becomes final", async () => {
    const server = await office.server({ assembler: throwsOn("foldEvent") });
    await send(server, site, one!.events.slice(0, 5));
    await send(server, site, [poison(6)]);
    await send(server, site, [poison(6)]);
    await send(
      server,
      site,
      one!.events.slice(5).map((event) => ({ ...event, seq: event.seq + 1 })),
    );
    expect(await rejected()).toHaveLength(1);
    expect(await calls()).toEqual([final(one!.linkedid)]);
  });
});

describe("an event PostgreSQL will not take", () => {
  it("is found in its batch and kept apart; the rest, and batches written beside it, go on", async () => {
    const server = await office.server();
    await office.rows("ALTER TABLE ami_events ADD CONSTRAINT no_bad CHECK (event <> 'Bad')");
    const bad = { seq: 50, at: 1, origin: "live" as const, ev: { Event: "Bad", Linkedid: "1.1" } };
    const replies = await Promise.all([
      send(server, site, [...one!.events, bad, ...two!.events]),
      send(server, site, three!.events),
    ]);
    expect(replies[0]!.acked).toEqual([
      [1, one!.events.length],
      [50, 50],
      [101, 100 + two!.events.length],
    ]);
    const [row] = await office.rows<{ seq: string; reason: string; body: string }>(
      "SELECT seq, reason, body FROM rejected_events",
    );
    expect([row!.seq, row!.reason, JSON.parse(row!.body)]).toEqual(["50", "undigestible", bad.ev]);
    expect(await calls()).toEqual([one!, two!, three!].map(({ linkedid }) => final(linkedid)));
    const again = await send(server, site, [bad]);
    expect(again.acked).toEqual([[50, 50]]);
    expect(await rejected()).toHaveLength(1);
  });
});

describe("the same stream and seq with other content", () => {
  const other = { ...one!.events[3]!, ev: { Event: "Other", Linkedid: "9.9" } };

  it("raises an alarm and loses neither", async () => {
    const server = await office.server();
    await send(server, site, one!.events);
    const reply = await send(server, site, [other]);
    await send(server, site, [other]);

    expect(reply.acked).toEqual([[4, 4]]);
    expect(await rejected()).toMatchObject([{ seq: 4, reason: "conflict", event: "Other" }]);
    expect(await countStored(office, site.id)).toEqual({ stored: one!.events.length, distinct: one!.events.length });
    expect(server.log.map((text) => JSON.parse(text) as { level: string })).toContainEqual(
      expect.objectContaining({ level: "error", site: site.id, seq: 4, reason: "conflict" }),
    );
  });

  it("within one batch keeps the first and sets the other aside", async () => {
    const server = await office.server();
    await send(server, site, [...one!.events, other]);
    expect(await rejected()).toMatchObject([{ seq: 4, reason: "conflict", event: "Other" }]);
    expect(await calls()).toEqual([final(one!.linkedid)]);
  });

  it("is no alarm when only the spelling of the JSON differs", async () => {
    const server = await office.server();
    await send(server, site, one!.events);
    const spelled = one!.events.map((event) => ({
      ...event,
      ev: { ...Object.fromEntries(Object.entries(event.ev).toReversed()), Event: event.ev.Event },
    }));
    await send(server, site, spelled);
    expect(await rejected()).toEqual([]);
    expect(server.log).toEqual([]);
  });
});
