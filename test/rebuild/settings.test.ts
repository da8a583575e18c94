import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setEnterprise } from "../../server/store/setEnterprise.ts";
import { capture } from "../support/captures.ts";
import { storedCalls } from "../support/stored-calls.ts";
import { compareCalls, explainDifferences } from "../support/truth-compare.ts";
import { eventsOf } from "../support/truth-events.ts";
import { truthOf } from "../support/truth.ts";
import { heartbeat, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { everything, rebuildNow } from "./office.ts";

const NAME = "22/ring_group_answered";
const EXTENSIONS = "^1[5-7]\\d$";
const TRUNKS = ["trunk-a", "trunk-b", "trunk-s"];

let office: Office;
let server: Server;
let site: Site;

beforeAll(async () => {
  office = await openOffice();
  server = await office.server();
});
afterAll(() => office.close());

/** A company that said its trunk is a phone and its phones are trunks: its calls are told wrong. */
beforeEach(async () => {
  await office.rows(
    "TRUNCATE calls, call_participants, call_events, call_links, ami_events, site_markers, deliveries CASCADE",
  );
  site = await office.site("0367", crypto.randomUUID());
  await setEnterprise(office.db.pool, "0367", { extensions: "^trunk-", trunks: ["150", "151", "152"] });
  const events = eventsOf(capture(NAME), "recommended");
  const stream = crypto.randomUUID();
  await send(server, site, events, { stream });
  await heartbeat(server, site, { stream, oldestUnacked: null, highestSeq: events.length });
});

function correct(): Promise<unknown> {
  return setEnterprise(office.db.pool, "0367", { extensions: EXTENSIONS, trunks: TRUNKS });
}

async function differences(): Promise<string> {
  const calls = await storedCalls(office.db.pool, site.id);
  return explainDifferences(compareCalls(truthOf(NAME), calls, { plain: false }));
}

const FLAGS = `SELECT id, leg, event_type, nth, needs_telegram, needs_integration, telegram_sent, integration_sent,
  processed, data_source, received_timestamp FROM call_events ORDER BY id`;

describe("after a wrong setting was corrected, rebuild", () => {
  it("sets the past right", async () => {
    expect(await differences()).toContain("call_type");
    await correct();
    const told = await rebuildNow(office);
    expect(told).toMatchObject({ calls: 1, changed: 1, skipped: 0 });
    expect(await differences()).toBe("");
  });

  it("does so from raw_data too, when the raw log was cleared", async () => {
    await correct();
    await office.rows("TRUNCATE ami_events");
    expect(await rebuildNow(office)).toMatchObject({ changed: 1 });
    expect(await differences()).toBe("");
  });

  it("finds nothing to change the second time", async () => {
    await correct();
    await rebuildNow(office);
    const before = await everything(office);
    expect(await rebuildNow(office)).toMatchObject({ calls: 1, changed: 0 });
    expect(await everything(office)).toEqual(before);
  });

  it("says in a dry run what it would change, and writes nothing", async () => {
    await correct();
    const before = await everything(office);
    const [change] = (await rebuildNow(office, { dryRun: true })).changes;
    expect(await everything(office)).toEqual(before);
    const fields = Object.fromEntries(change!.fields.map(({ field, from, to }) => [field, [from, to]]));
    expect(fields).toMatchObject({ call_type: ["outgoing", "incoming"], trunk: [expect.any(String), "trunk-a"] });
    expect(change!.participants.map((one) => [one.kind, one.extension])).toContainEqual(["new", "151"]);
    expect((await rebuildNow(office)).changes).toEqual([change]);
  });

  it("changes no id, no tag and no flag, and what is new is news to nobody", async () => {
    await office.rows("UPDATE enterprises SET settings = $1", [
      { telegram: { enabled: true }, integrations: [{ events: ["start", "dial", "bridge", "hangup"] }] },
    ]);
    await office.rows(
      "UPDATE call_events SET telegram_sent = TRUE, data_source = 'downloaded' WHERE event_type = 'start'",
    );
    await office.rows("UPDATE calls SET data_source = 'downloaded', token = 'old', unique_id = 's7-' || unique_id");
    await office.rows("UPDATE call_events e SET unique_id = c.unique_id FROM calls c WHERE c.id = e.call_id");
    const own =
      "SELECT id, unique_id, linkedid, data_source, token, received_timestamp, created_at, timestamp FROM calls";
    const [call, flags] = [await office.rows(own), await office.rows(FLAGS)];
    await correct();
    await rebuildNow(office);
    expect(await office.rows(own)).toEqual(call);
    const after = await office.rows<{ id: number }>(FLAGS);
    const old = new Set(flags.map((row) => row["id"]));
    expect(after.filter((row) => old.has(row.id))).toEqual(
      flags.filter((row) => after.some(({ id }) => id === row["id"])),
    );
    for (const step of after.filter((row) => !old.has(row.id)))
      expect(step).toMatchObject({ needs_telegram: false, needs_integration: false, processed: true });
    expect(
      await office.rows("SELECT FROM call_events e JOIN calls c ON c.id = e.call_id WHERE c.unique_id <> e.unique_id"),
    ).toEqual([]);
  });

  it("never takes back a step that somebody was told of, and says nothing more about it", async () => {
    const [step] = await office.rows<{ id: number; call_id: number }>(
      "SELECT id, call_id FROM call_events WHERE event_type = 'bridge'",
    );
    await office.rows("UPDATE call_events SET leg = 'gone.1', telegram_sent = TRUE WHERE id = $1", [step!.id]);
    const told = await rebuildNow(office);
    expect(told.changes[0]!.steps).toMatchObject([{ kind: "new", type: "bridge" }]);
    expect(await office.rows("SELECT leg FROM call_events WHERE id = $1", [step!.id])).toEqual([{ leg: "gone.1" }]);
    expect(await rebuildNow(office)).toMatchObject({ changed: 0 });
    await office.rows("UPDATE call_events SET telegram_sent = FALSE WHERE id = $1", [step!.id]);
    expect((await rebuildNow(office)).changes[0]!.steps).toMatchObject([{ kind: "gone", leg: "gone.1" }]);
    expect(await office.rows("SELECT FROM call_events WHERE id = $1", [step!.id])).toEqual([]);
  });
});

describe("a call whose events are not all stored any more", () => {
  it("is left as it is, and named", async () => {
    await office.rows("UPDATE calls SET raw_data = NULL");
    await office.rows(
      "DELETE FROM ami_events WHERE seq = (SELECT max(seq) FROM ami_events WHERE linkedid IS NOT NULL)",
    );
    await correct();
    const told = await rebuildNow(office);
    expect(told.left).toMatchObject([{ reason: "events_gone", siteId: site.id }]);
    expect(told.changes).toEqual([]);
    expect(await differences()).toContain("call_type");
  });
});
