import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AmiEvent, header } from "../../shared/ami-event.ts";
import { foldEvent, linkKeys } from "../../server/assemble/index.ts";
import { type Assembler, assembler as standard } from "../../server/ingest/assembler.ts";
import { capture } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { tellCalls } from "../ingest/tables.ts";
import { everything, rebuildNow } from "./office.ts";

/** Assembly as a version might have had it that knew no Linkedid and no dialling: every channel on its own. */
const loose: Assembler = {
  ...standard,
  linkKeys: (ev) => linkKeys(alone(ev)),
  foldEvent: (fold, event) => foldEvent(fold, { ...event, ev: alone(event.ev) }),
};

function alone(ev: AmiEvent): AmiEvent {
  const own = header(ev, "Uniqueid");
  const others = /^(?!Uniqueid$).*(Uniqueid|Linkedid)$/i;
  const kept = Object.entries(ev).filter(([name]) => own === undefined || !others.test(name));
  return { ...Object.fromEntries(kept), Event: ev.Event };
}

let office: Office;
let right: Server;
let wrong: Server;
let site: Site;

beforeAll(async () => {
  office = await openOffice();
  right = await office.server();
  wrong = await office.server({ assembler: loose });
});
afterAll(() => office.close());
beforeEach(async () => {
  await office.rows(
    "TRUNCATE calls, call_participants, call_events, call_links, ami_events, site_markers, deliveries CASCADE",
  );
  site = await office.site("0367", crypto.randomUUID());
});

async function play(name: string, server: Server): Promise<void> {
  const events = eventsOf(capture(name), "recommended");
  const stream = crypto.randomUUID();
  await send(server, site, events, { stream });
  await heartbeat(server, site, { stream, oldestUnacked: null, highestSeq: events.length });
}

/** What the tables say, free of what depends on when and in which order rows were made. */
async function told(): Promise<Record<string, unknown>[]> {
  const calls = (await tellCalls(office, site.id)) as Record<string, unknown>[];
  return calls.map((call) => ({ ...call, asterisk_host: undefined }));
}

async function asItShouldBe(name: string): Promise<Record<string, unknown>[]> {
  const mine = site;
  site = await office.site("0367", crypto.randomUUID());
  await play(name, right);
  const calls = await told();
  await office.rows("DELETE FROM calls WHERE site_id = $1", [site.id]);
  site = mine;
  return calls;
}

describe.each(["22/ring_group_answered", "16/two_overlapping", "22/hunt_third_answers"])("%s", (name) => {
  it("calls that were told apart are told together, once and for all", async () => {
    const expected = await asItShouldBe(name);
    await play(name, wrong);
    expect((await told()).length).toBeGreaterThan(expected.length);
    const dry = await rebuildNow(office, { dryRun: true });
    const done = await rebuildNow(office);
    expect(done.merged).toBeGreaterThan(0);
    expect(done).toMatchObject({ left: [], merged: dry.merged, changed: dry.changed });
    expect(done.changes).toEqual(dry.changes);
    expect(await told()).toEqual(expected);
    expect(await rebuildNow(office)).toMatchObject({ changed: 0, merged: 0 });
  });

  it("calls that were told together are told apart, and their steps keep their ids and flags", async () => {
    await play(name, wrong);
    const apart = await told();
    await office.rows(
      "TRUNCATE calls, call_participants, call_events, call_links, ami_events, site_markers, deliveries CASCADE",
    );
    site = await office.site("0367", crypto.randomUUID());
    await play(name, right);
    await office.rows("UPDATE call_events SET telegram_sent = TRUE, needs_telegram = TRUE, processed = FALSE");
    const before = await office.rows("SELECT id, leg, event_type, nth FROM call_events ORDER BY id");
    const dry = await rebuildNow(office, { dryRun: true, assembler: loose });
    const done = await rebuildNow(office, { assembler: loose });
    expect(done.split).toBeGreaterThan(0);
    expect(done).toMatchObject({ left: [], split: dry.split });
    const sent =
      "SELECT id, leg, event_type, nth FROM call_events WHERE telegram_sent AND needs_telegram AND NOT processed";
    expect(await office.rows(`${sent} ORDER BY id`)).toEqual(before);
    const outcome = (call: Record<string, unknown>) => [call["linkedid"], call["call_status"], call["participants"]];
    expect((await told()).map(outcome)).toEqual(apart.map(outcome));
    expect(await rebuildNow(office, { assembler: loose })).toMatchObject({ changed: 0, split: 0 });
  });
});

it("calls come together and apart again from raw_data alone", async () => {
  await play("22/ring_group_answered", right);
  const expected = await told();
  await office.rows("TRUNCATE ami_events");
  expect((await rebuildNow(office, { assembler: loose })).split).toBeGreaterThan(0);
  expect((await told()).length).toBeGreaterThan(1);
  expect((await rebuildNow(office)).merged).toBeGreaterThan(0);
  expect(await told()).toEqual(expected);
});

it("a dry run that would merge calls writes nothing", async () => {
  await play("22/ring_group_answered", wrong);
  const before = await everything(office);
  expect((await rebuildNow(office, { dryRun: true })).merged).toBeGreaterThan(0);
  expect(await everything(office)).toEqual(before);
});
