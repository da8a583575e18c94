import { request } from "node:http";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "../../shared/wire.ts";
import { rotateSiteKey } from "../../server/store/rotateSiteKey.ts";
import { revokeSite } from "../../server/store/revokeSite.ts";
import { body, line, openOffice, send, type Office, type Server, type Site } from "./office.ts";
import { phoneCall } from "./phone-call.ts";
import { countStored } from "./tables.ts";

let office: Office;
let server: Server;
let site: Site;
let clock = Date.now();
let hosts = 0;

beforeAll(async () => {
  office = await openOffice();
  server = await office.server({ now: () => clock });
});
afterAll(() => office.close());

const { events } = phoneCall();
const lines = events.map(line);
const stored = () => countStored(office, site.id);
const fresh = async () => (site = await office.site("0367", `10.9.0.${hosts++}`));
const NOTHING = { stored: 0, distinct: 0 };

describe("a key", () => {
  beforeAll(fresh);

  it.each([
    ["none", ""],
    ["of another shape", "secret"],
    ["of a site that is not there", `rp_999_${"a".repeat(43)}`],
    ["of the site, with another secret", "other"],
  ])("%s is refused with 401 in plain words", async (_, key) => {
    const wrong = key === "other" ? site.key.slice(0, -43) + "a".repeat(43) : key;
    const answer = await server.post(wrong, body(lines));
    expect([answer.status, answer.body.error]).toEqual([401, "key_refused"]);
    expect(answer.body.message).toMatch(/site key is wrong or was revoked/);
    expect(await stored()).toEqual(NOTHING);
  });

  it("that was rotated works beside the new one while they overlap, and no longer", async () => {
    await send(server, site, events.slice(0, 1));
    const rotated = await rotateSiteKey(office.db.pool, site.id, 1);
    clock += 100;
    const next = { id: site.id, key: (rotated as { key: string }).key };
    await send(server, next, events.slice(1, 2));
    await send(server, site, events.slice(2, 3));
    await office.rows("UPDATE site_keys SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL");
    clock += 60_000;
    expect((await server.post(site.key, body(lines))).status).toBe(401);
    await send(server, next, events.slice(3, 4));
  });

  it("of a revoked site is refused within seconds", async () => {
    const gone = await office.site("0367", "10.9.1.1");
    const stream = crypto.randomUUID();
    await send(server, gone, events, { stream });
    await revokeSite(office.db.pool, gone.id);
    clock += 5_001;
    expect((await server.post(gone.key, body(lines, { stream }))).status).toBe(401);
  });

  it("never opens another site's stream", async () => {
    const other = await office.site("0368", "10.9.1.2");
    const stream = crypto.randomUUID();
    await send(server, other, events, { stream });
    const answer = await server.post((await fresh()).key, body(lines, { stream }));
    expect([answer.status, answer.body.error]).toEqual([403, "foreign_stream"]);
    expect(answer.body.message).toContain("belongs to another site");
    expect(await stored()).toEqual(NOTHING);
  });
});

describe("a body", () => {
  beforeAll(fresh);
  const post = (text: string | Buffer, headers: Record<string, string> = {}) => server.post(site.key, text, headers);

  it("of an unknown version is refused with 426 and says what to do", async () => {
    const answer = await post(body(lines, { v: 99 }));
    expect([answer.status, answer.body.error]).toEqual([426, "unknown_version"]);
    expect(answer.body.message).toMatch(/version 1 .*99.*install/);
  });

  it.each<[string, string, object]>([
    ["that is empty", "", { line: 1 }],
    ["whose header is no JSON", "{nonsense\n", { line: 1 }],
    ["whose header lacks the stream", '{"v":1}\n', { line: 1 }],
    ["with a line that is no JSON", body([lines[0]!, '{"seq":2,"at":1,']), { line: 3, seq: 2 }],
    [
      "with an event without a name",
      body([lines[0]!, '{"seq":7,"at":1,"mono":1,"origin":"live","ev":{}}']),
      { line: 3, seq: 7 },
    ],
    [
      "with a number for a header's value",
      body(['{"seq":8,"at":1,"mono":1,"origin":"live","ev":{"Event":"A","B":1}}']),
      { line: 2, seq: 8 },
    ],
    [
      "with an unknown origin",
      body(['{"seq":9,"at":1,"mono":1,"origin":"guess","ev":{"Event":"A"}}']),
      { line: 2, seq: 9 },
    ],
    ["with seq 0", body(['{"seq":0,"at":1,"mono":1,"origin":"live","ev":{"Event":"A"}}']), { line: 2 }],
    ["with a thousand and one headers", body([manyHeaders(3)]), { line: 2, seq: 3 }],
  ])("%s is refused with 422 that names the place", async (_, text, place) => {
    const answer = await post(text);
    expect([answer.status, answer.body.error]).toEqual([422, "malformed"]);
    expect(answer.body).toMatchObject(place);
    expect(answer.body.message.length).toBeGreaterThan(5);
  });

  it("larger than the bound, packed, is refused with 413", async () => {
    const answer = await post(Buffer.alloc(LIMITS.bodyCompressedBytesMax + 1, "x"));
    expect([answer.status, answer.body.error]).toEqual([413, "too_large"]);
  });

  it("larger than the bound is refused too when its length is not told", async () => {
    expect(await streamed(LIMITS.bodyCompressedBytesMax + 65_536)).toBe(413);
  });

  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const)("that is a %s bomb is refused with 413 before it unfolds", async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(1_000_000_000));
    expect(bomb.length).toBeLessThan(LIMITS.bodyCompressedBytesMax);
    const before = process.memoryUsage.rss();
    const answer = await post(bomb, { "content-encoding": encoding });
    expect([answer.status, answer.body.error]).toEqual([413, "too_large"]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000);
  });

  it("packed with gzip or zstd is read", async () => {
    const stream = crypto.randomUUID();
    for (const [encoding, pack] of [
      ["gzip", gzipSync],
      ["zstd", zstdCompressSync],
    ] as const) {
      const answer = await post(pack(body(lines, { stream })), { "content-encoding": encoding });
      expect([answer.status, answer.body.acked]).toEqual([200, [[1, lines.length]]]);
    }
  });

  it("that is not what its encoding says is refused with 422, an unknown encoding with 415", async () => {
    expect((await post(body(lines), { "content-encoding": "gzip" })).status).toBe(422);
    expect((await post(body(lines), { "content-encoding": "br" })).status).toBe(415);
  });

  it("with a line of more than 4 MB is refused with 413 that names the event", async () => {
    const big = line({ seq: 5, at: 1, origin: "live", ev: { Event: "A", Big: "x".repeat(LIMITS.lineBytesMax) } });
    const answer = await post(gzipSync(body([big])), { "content-encoding": "gzip" });
    expect([answer.status, answer.body.line, answer.body.seq]).toEqual([413, 2, 5]);
  });

  it("with more events than the bound is refused with 413", async () => {
    const many = Array.from(
      { length: LIMITS.eventsPerBatchMax + 1 },
      (_, at) => `{"seq":${at + 1},"at":1,"mono":1,"origin":"live","ev":{"Event":"A"}}`,
    );
    expect((await post(body(many))).status).toBe(413);
  });

  it("refused leaves nothing behind, and the next one is taken", async () => {
    const stream = crypto.randomUUID();
    const before = await stored();
    await post(body([...lines, "{"], { stream }));
    expect(await stored()).toEqual(before);
    expect((await post(body(lines, { stream }))).status).toBe(200);
  });
});

describe("what is not the ingest", () => {
  it("is 404", async () => {
    expect((await fetch(`${server.url}/v1/other`)).status).toBe(404);
    expect((await fetch(`${server.url}/v1/ingest`)).status).toBe(404);
  });
});

function manyHeaders(seq: number): string {
  const headers = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`Header${at}`, "v"]));
  return line({ seq, at: 1, origin: "live", ev: { Event: "A", ...headers } });
}

/** Sends without Content-Length and gives back the status. */
function streamed(bytes: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${site.key}`, "content-type": "application/x-ndjson" };
    const sending = request(`${server.url}/v1/ingest`, { method: "POST", headers }, (response) => {
      resolve(response.statusCode);
      response.resume();
      sending.destroy();
    });
    sending.on("error", (error) => (sending.destroyed ? undefined : reject(error)));
    for (let sent = 0; sent < bytes; sent += 65_536) sending.write(Buffer.alloc(65_536, "x"));
    sending.end();
  });
}
