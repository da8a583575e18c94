import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MARKERS, type AmiEvent } from "../../shared/ami-event.ts";
import { openOffice, send, STREAM, type Office, type Server, type Site } from "./office.ts";

let office: Office;
let server: Server;
let site: Site;

beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
});
afterEach(() => office.close());

const T = 1_700_000_000_000;
const at = (seq: number, seconds: number, ev: AmiEvent) => ({
  seq,
  at: T + seconds * 1000,
  origin: "live" as const,
  ev,
});
const lost = (seq: number, seconds: number) =>
  at(seq, seconds + 1, {
    Event: MARKERS.captureLost,
    Cause: "ami_lost",
    Detail: "reset",
    Since: String(T + seconds * 1000),
  });
const started = (seq: number, seconds: number) =>
  at(seq, seconds, { Event: MARKERS.captureStarted, AsteriskVersion: "22.10" });
const told = (seq: number, from: number, to: number, cause: string) =>
  at(seq, to, { Event: MARKERS.gap, From: String(T + from * 1000), To: String(T + to * 1000), Cause: cause });
const gaps = () =>
  office.rows(
    `SELECT site_id, cause, detail, (extract(epoch FROM from_time) - 1700000000)::int AS from,
       (extract(epoch FROM to_time) - 1700000000)::int AS to, from_seq::int, to_seq::int, count::int, repaired_by
     FROM gaps ORDER BY from_time, marker_seq`,
  );
const row = (more: object) => ({
  site_id: site.id,
  cause: "ami_lost",
  detail: null,
  to: null,
  from_seq: null,
  to_seq: null,
  count: null,
  repaired_by: null,
  ...more,
});

describe("a site that was blind", () => {
  it("has an open gap while its AMI is lost, closed by the next capture", async () => {
    await send(server, site, [lost(1, 10)]);
    expect(await gaps()).toEqual([row({ from: 10, detail: "reset" })]);
    await send(server, site, [started(2, 40)]);
    expect(await gaps()).toEqual([row({ from: 10, to: 40, detail: "reset" })]);
  });

  it("has one gap when the agent itself says from when to when, in whatever order its markers come", async () => {
    const markers = [lost(1, 10), started(2, 40), told(3, 10, 40, "asterisk_restarted")];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const order of orders) {
      const stream = crypto.randomUUID();
      await office.rows("TRUNCATE gaps, site_markers");
      for (const which of order) await send(server, site, [markers[which]!], { stream });
      expect(await gaps()).toEqual([row({ from: 10, to: 40, cause: "asterisk_restarted" })]);
    }
  });

  it("has a gap for each time", async () => {
    await send(server, site, [lost(1, 10), started(2, 20), told(3, 10, 20, "ami_lost"), lost(4, 50), started(5, 60)]);
    expect(await gaps()).toEqual([row({ from: 10, to: 20 }), row({ from: 50, to: 60, detail: "reset" })]);
  });

  it("by an outage that a new outbox ended has one gap all the same", async () => {
    await send(server, site, [lost(1, 10)]);
    await send(server, site, [started(1, 90)], { stream: crypto.randomUUID() });
    expect(await gaps()).toEqual([row({ from: 10, to: 90, detail: "reset" })]);
  });
});

describe("events the agent lost", () => {
  const full = {
    Event: MARKERS.gap,
    From: String(T),
    To: String(T + 5000),
    Cause: "outbox_full",
    FromSeq: "3",
    ToSeq: "7",
    Count: "5",
  };
  const filled = () => office.rows("SELECT uuid, filled::text FROM streams ORDER BY id");

  it("are named with their seqs and number, once, and never asked for again", async () => {
    await send(server, site, [at(8, 5, full)]);
    const reply = await send(server, site, [at(8, 5, full), at(1, 0, { Event: "A" }), at(2, 0, { Event: "A" })], {
      oldestUnacked: 9,
      highestSeq: 8,
    });
    expect(await gaps()).toEqual([row({ from: 0, to: 5, cause: "outbox_full", from_seq: 3, to_seq: 7, count: 5 })]);
    expect(await filled()).toEqual([{ uuid: STREAM, filled: "{[3,8)}" }]);
    expect(reply.commands).toEqual([]);
  });

  it("of an older outbox of the same site are filled there, never in another site's", async () => {
    const [old, foreign, now] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    const other = await office.site("0368", "10.88.10.99");
    await send(server, site, [at(1, 0, { Event: "A" })], { stream: old });
    await send(server, other, [at(1, 0, { Event: "A" })], { stream: foreign });
    await send(server, site, [at(1, 5, { ...full, Stream: old }), at(2, 5, { ...full, Stream: foreign })], {
      stream: now,
    });
    expect(await filled()).toEqual([
      { uuid: old, filled: "{[3,8)}" },
      { uuid: foreign, filled: "{}" },
      { uuid: now, filled: "{}" },
    ]);
  });

  it("by a stream that was continued are a gap; one that lost nothing is continued without a word", async () => {
    const [old, now] = [crypto.randomUUID(), crypto.randomUUID()];
    await send(server, site, [at(1, 0, { Event: "A" }), at(2, 1, { Event: "A" })], { stream: old });
    const continued = (seq: number, to: number) =>
      at(seq, 9, { Event: MARKERS.streamContinued, Stream: [old], To: [String(to)] });
    await send(server, site, [continued(1, 2)], { stream: now });
    expect(await office.rows("SELECT reason, detail FROM rejected_events")).toEqual([]);
    expect(await gaps()).toEqual([]);
    await send(server, site, [continued(2, 4)], { stream: now });
    // What the stream itself still has is not lost; only the marker of a new outbox says that nothing more will come.
    await send(server, site, [at(3, 10, { Event: MARKERS.captureStarted, Outbox: "new" })], { stream: now });
    const holes = await office.rows(
      "SELECT from_seq::int, to_seq::int, count::int FROM gaps WHERE cause = 'outbox_lost'",
    );
    expect(holes).toEqual([{ from_seq: 3, to_seq: 4, count: 2 }]);
  });

  it("told in headers that make no sense still leave a gap", async () => {
    const odd = {
      Event: MARKERS.gap,
      From: "yesterday",
      To: "-1",
      Cause: "because",
      FromSeq: "9",
      ToSeq: "3",
      Count: "many",
    };
    await send(server, site, [at(1, 30, odd)]);
    expect(await gaps()).toEqual([row({ from: 30, to: 30 })]);
    expect(await filled()).toEqual([{ uuid: STREAM, filled: "{}" }]);
  });
});
