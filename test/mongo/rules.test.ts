import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEnterpriseMap, readMappingFile } from "../../server/mongo/map/mapping-file.ts";
import type { Outcome, SessionOptions } from "../../server/mongo/session.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { importHere, tempFolder } from "./support/run.ts";
import { addEnterprises } from "./support/tables.ts";

const MINSK = { id: "0367", token: "t-0367", timezone: "Europe/Minsk" };
const MOSCOW = { id: "0368", token: "t-0368", timezone: "Europe/Moscow" };
const START = "2025-06-04T10:50:47Z";
const END = "2025-06-04T10:51:47Z";
const ID = "1749034247.6528";

function whole(_id: number, more: Record<string, unknown> = {}): Record<string, unknown> {
  const call = { UniqueId: ID, CallType: "incoming", Phone: "8029", Token: "t-0367", Extensions: ["150"] };
  return { _id, ...call, StartTime: START, EndTime: END, CallStatus: "answered", ...more };
}

describe("history that meets what is there already", () => {
  let folder: string;
  let db: TestDatabase;

  beforeEach(async () => {
    folder = await tempFolder();
    db = await testDatabase();
    await addEnterprises(db.pool, [MINSK, MOSCOW]);
  });
  afterEach(async () => {
    await db.drop();
    await rm(folder, { recursive: true, force: true });
  });

  async function bring(
    documents: unknown[],
    options: Partial<SessionOptions> = {},
    name = "calls.json",
  ): Promise<Outcome> {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, documents.map((one) => JSON.stringify(one)).join("\n"));
    return importHere(db.url, path, folder, options);
  }

  const sql = async (text: string): Promise<unknown[]> => (await db.pool.query({ text, rowMode: "array" })).rows;

  async function liveCall(source: string, uniqueId = ID): Promise<void> {
    await db.pool.query(
      `WITH s AS (INSERT INTO sites (enterprise_id, host, name) VALUES ('0367', '10.88.10.5', 'pbx') RETURNING id),
            c AS (INSERT INTO calls (unique_id, linkedid, site_id, enterprise_id, token, call_type, call_status, data_source, phone_number)
                  SELECT $1, $2, id, '0367', 't-0367', 'outgoing', 'busy', $3, 'live number' FROM s RETURNING id, site_id)
       INSERT INTO call_links (site_id, linkedid, call_id) SELECT site_id, l, id FROM c, unnest(ARRAY[$2, $2 || '9']) l`,
      [uniqueId, ID, source],
    );
  }

  it.each(["live", "downloaded"])("links a %s call and overwrites nothing of it", async (source) => {
    await liveCall(source);
    const outcome = await bring([whole(1), whole(2, { Event: "dial" })]);
    expect(outcome.counts).toMatchObject({ calls: 0, linked: 2, migrated: 0 });
    expect(outcome.validation).toMatchObject({ ok: true, documents: { linked: 2 } });
    expect(
      await sql("SELECT mongo_id, data_source, call_type, call_status, phone_number, raw_data FROM calls"),
    ).toEqual([["1", source, "outgoing", "busy", "live number", null]]);
    expect(await sql("SELECT count(*)::int FROM call_participants")).toEqual([[0]]);
  });

  it("links a live call by an id that was merged into it, and one stored under its site's prefix", async () => {
    await liveCall("live", `s1-${ID}`);
    const outcome = await bring([whole(1, { UniqueId: `${ID}9` }), whole(2)]);
    expect(outcome.counts).toMatchObject({ calls: 0, linked: 2 });
  });

  it("gives way to a call that came over the wire after its history", async () => {
    await bring([whole(1)]);
    await liveCall("downloaded", `s1-${ID}`);
    const outcome = await bring([whole(1)], { resume: false });
    expect(outcome.validation?.ok).toBe(true);
    expect(await sql("SELECT unique_id, data_source, mongo_id FROM calls")).toEqual([[`s1-${ID}`, "downloaded", "1"]]);
  });

  it("keeps the same UniqueId of two enterprises apart, whichever comes first and however often", async () => {
    const documents = [
      whole(1),
      whole(2, { Token: "t-0368", Phone: "other" }),
      whole(3, { Event: "dial", Token: "t-0368" }),
    ];
    await bring(documents, { bounds: { documentsMax: 1, bytesMax: 1e6 } });
    await bring(documents, { resume: false });
    expect(
      await sql("SELECT unique_id, linkedid, enterprise_id, phone_number FROM calls ORDER BY enterprise_id"),
    ).toEqual([
      [ID, ID, "0367", "8029"],
      [`e0368-${ID}`, ID, "0368", "other"],
    ]);
  });

  it("makes one call of documents that come in different batches, runs and files", async () => {
    const [start, dial, bridge, hangup] = ["start", "dial", "bridge", "hangup"].map((Event, index) => ({
      _id: index,
      UniqueId: ID,
      Token: "t-0367",
      Event,
      Timestamp: `2025-06-04T10:50:5${index}Z`,
    }));
    const one = { bounds: { documentsMax: 1, bytesMax: 1e6 } };
    await bring([hangup, start], one);
    await bring([bridge, dial], one, "later.json");
    expect(await sql("SELECT count(*)::int, min(jsonb_array_length(raw_data)) FROM calls")).toEqual([[1, 4]]);
    expect(await sql("SELECT event_type FROM call_events ORDER BY event_sequence")).toEqual([
      ["start"],
      ["dial"],
      ["bridge"],
      ["hangup"],
    ]);
    expect(
      await sql("SELECT DISTINCT processed, needs_telegram, needs_integration, data_source FROM call_events"),
    ).toEqual([[true, false, false, "migrated"]]);
  });

  it("keeps two registered PBXs of one enterprise apart by their host", async () => {
    await db.pool.query(
      "INSERT INTO sites (enterprise_id, host, name) VALUES ('0367', '10.0.0.1', 'a'), ('0367', '10.0.0.2', 'b')",
    );
    const outcome = await bring([whole(1, { AsteriskHost: "10.0.0.1" }), whole(2, { AsteriskHost: "10.0.0.2" })]);
    expect(outcome.validation?.ok).toBe(true);
    expect(await sql("SELECT asterisk_host FROM calls ORDER BY 1")).toEqual([["10.0.0.1"], ["10.0.0.2"]]);
  });

  it("sets aside what it cannot place, goes on, and takes it again once it can", async () => {
    const strange = whole(2, { UniqueId: "1749034248.1", Token: "t-0999" });
    const outcome = await bring([whole(1), strange, { _id: 3, Note: "no call" }]);
    expect(outcome.counts).toMatchObject({ migrated: 1, rejected: 2, rejects: { no_enterprise: 1, no_unique_id: 1 } });
    const lines = (await readFile(join(folder, "rejects.ndjson"), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { key: "2", reason: "no_enterprise", document: { _id: 2, Token: "t-0999" } },
      { key: "3", reason: "no_unique_id", document: { Note: "no call" } },
    ]);
    await addEnterprises(db.pool, [{ id: "0999", token: "t-0999", timezone: "UTC" }]);
    const missing = await bring([whole(1), strange, { _id: 3, Note: "no call" }], { mode: "validate" });
    expect(missing.validation).toMatchObject({ ok: false, missing: ["2"] });
    const retried = await bring([whole(1), strange, { _id: 3, Note: "no call" }], { mode: "retry-rejects" });
    expect(retried).toMatchObject({ rejects: { no_unique_id: 1 }, validation: { ok: true } });
    expect(await sql("SELECT enterprise_id FROM calls ORDER BY 1")).toEqual([["0367"], ["0999"]]);
  });

  it("takes the mended lines of a reject file", async () => {
    const documents = [{ ...whole(1), UniqueId: "" }, { _id: 2 }];
    await bring(documents);
    const file = join(folder, "mended.ndjson");
    const text = await readFile(join(folder, "rejects.ndjson"), "utf8");
    await writeFile(file, text.replace('"UniqueId":""', `"UniqueId":"${ID}"`));
    const retried = await bring(documents, { mode: "retry-rejects", retryFile: file });
    expect(retried.rejects).toEqual({ no_unique_id: 1 });
    expect(await sql("SELECT unique_id FROM calls")).toEqual([[ID]]);
  });

  it("registers an enterprise that documents bring along, in the zone it is told", async () => {
    const stranger = whole(1, { EnterpriseId: "0500", Token: "t-0500", StartTime: "2025-06-04 15:50:47" });
    const rehearsed = await bring([stranger], { mode: "dry-run", make: { timezone: "Asia/Tashkent" } });
    expect(rehearsed).toMatchObject({ wouldMake: { "0500": 1 }, counts: { rules: { enterprise_made: 1 } } });
    expect(await sql("SELECT count(*)::int FROM calls")).toEqual([[0]]);
    await bring([stranger], { make: { timezone: "Asia/Tashkent" } });
    expect(await sql("SELECT id, token, timezone FROM enterprises WHERE id = '0500'")).toEqual([
      ["0500", "t-0500", "Asia/Tashkent"],
    ]);
    expect(await sql("SELECT start_time = '2025-06-04T10:50:47Z' FROM calls")).toEqual([[true]]);
  });

  it("reads other names and words from a mapping file, and enterprises from a map", async () => {
    const mappingPath = join(folder, "mapping.json");
    await writeFile(
      mappingPath,
      JSON.stringify({
        fields: { unique_id: "meta.uid", phone_number: ["Caller"], enterprise: "Firm" },
        words: { call_status: { поговорили: "answered" } },
      }),
    );
    const mapPath = join(folder, "map.json");
    await writeFile(mapPath, JSON.stringify({ "ООО Ромашка": "0368" }));
    const document = {
      _id: 1,
      meta: { uid: ID },
      Caller: "1234567",
      Firm: "ООО Ромашка",
      CallStatus: "Поговорили",
      CallType: "вх",
    };
    await bring([document], {
      mapping: await readMappingFile(mappingPath),
      enterpriseMap: await readEnterpriseMap(mapPath),
    });
    expect(await sql("SELECT unique_id, phone_number, enterprise_id, token, call_status FROM calls")).toEqual([
      [ID, "1234567", "0368", "t-0368", "answered"],
    ]);
  });

  it("refuses a mapping file by the name of what is wrong in it", async () => {
    const path = join(folder, "mapping.json");
    await writeFile(path, JSON.stringify({ fields: { phone: "X" }, words: { call_status: { x: "great" } } }));
    await expect(readMappingFile(path)).rejects.toThrow(/fields phone[\s\S]*words call_status x: found "great"/);
  });

  it("notices at validation when a row was changed, lost, or its participants were", async () => {
    const documents = [whole(1), whole(2, { UniqueId: "1749034248.1" })];
    await bring(documents);
    const check = async (): Promise<Outcome["validation"]> => (await bring(documents, { mode: "validate" })).validation;
    expect((await check())?.ok).toBe(true);
    await db.pool.query("UPDATE calls SET duration = duration + 1 WHERE mongo_id = '1'");
    expect(await check()).toMatchObject({ ok: false, sample: { differences: [{ uniqueId: ID, field: "duration" }] } });
    await db.pool.query("DELETE FROM call_participants");
    expect((await check())?.totals).toContainEqual({ name: "participants", expected: 2, found: 0 });
    await db.pool.query("DELETE FROM calls WHERE mongo_id = '2'");
    expect(await check()).toMatchObject({ ok: false, missing: ["2"] });
  });

  it("refuses a second import while one is running", async () => {
    const other = await db.pool.connect();
    await other.query("SELECT pg_advisory_lock(hashtext('ringpost mongo import'))");
    await expect(bring([whole(1)], { sleep: () => Promise.resolve() })).rejects.toThrow(/another import is running/);
    other.release(true);
  });
});
