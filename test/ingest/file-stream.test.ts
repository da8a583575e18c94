import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { heartbeat, openOffice, send, STREAM, type Office, type Server, type Site } from "./office.ts";
import { countStored } from "./tables.ts";

let office: Office;
let server: Server;
let site: Site;

beforeEach(async () => {
  office = await openOffice();
  server = await office.server();
  site = await office.site();
});
afterEach(() => office.close());

const FILE = "00000000-0000-4000-8000-00000000f11e";
const row = (seq: number) => ({
  seq,
  at: 1_700_000_000_000 + seq,
  origin: "recovered" as const,
  ev: { Event: "CEL", EventName: "CHAN_START", UniqueID: `1700000000.${seq}`, LinkedID: `1700000000.${seq}` },
});
const file = (span: [number, number]) => ({ stream: FILE, lane: "backlog" as const, kind: "file" as const, span });
const streamRow = async () => {
  const rows = await office.rows("SELECT kind, received::text FROM streams WHERE uuid = $1", [FILE]);
  return rows[0];
};

describe("a stream of one of Asterisk's own files", () => {
  it("keeps one range for the part that was read, however far apart its rows are", async () => {
    await send(server, site, [row(1), row(120), row(260)], file([1, 400]));
    await send(server, site, [row(401), row(530)], file([401, 600]));
    expect(await streamRow()).toEqual({ kind: "file", received: "{[1,601)}" });
  });

  it("takes no row twice when it is read again in other portions", async () => {
    await send(server, site, [row(401), row(530)], file([401, 600]));
    await send(server, site, [row(1), row(120), row(401), row(530), row(610)], file([1, 700]));
    await send(server, site, [row(401), row(530)], file([401, 600]));
    expect(await countStored(office, site.id)).toEqual({ stored: 5, distinct: 5 });
    expect(await streamRow()).toEqual({ kind: "file", received: "{[1,701)}" });
  });

  it("is never asked for what lies between its rows, and says nothing of the outbox", async () => {
    const reply = await send(server, site, [row(5_000)], {
      ...file([5_000, 5_100]),
      highestSeq: 9_000,
      oldestUnacked: null,
    });
    expect(reply).toMatchObject({ acked: [[5_000, 5_000]], commands: [] });
    expect(reply.received_to).toBeUndefined();
    const [hole] = await office.rows("SELECT count(*)::int AS waiting FROM calls WHERE incomplete");
    expect(hole).toEqual({ waiting: 0 });
  });

  it("leaves the outbox's own seqs as they are", async () => {
    await send(server, site, [row(7)], file([7, 90]));
    const reply = await heartbeat(server, site, { stream: STREAM, highestSeq: 3, oldestUnacked: null });
    expect(reply.commands).toEqual([{ do: "resend_ranges", ranges: [[1, 3]] }]);
  });
});
