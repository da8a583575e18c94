import { afterAll, beforeAll, expect, it } from "vitest";
import { capture, captureNames } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office } from "../ingest/office.ts";
import { everything, rebuildNow } from "./office.ts";

let office: Office;

/** Every capture as its own site; each sent as one batch, as an agent after an outage might. */
beforeAll(async () => {
  office = await openOffice();
  const server = await office.server();
  for (const [n, name] of captureNames().entries()) {
    const site = await office.site("0367", `10.1.${n >> 8}.${n & 255}`);
    const events = eventsOf(capture(name), "recommended");
    const stream = crypto.randomUUID();
    await send(server, site, events, { stream });
    await heartbeat(server, site, { stream, oldestUnacked: null, highestSeq: events.length });
  }
}, 120_000);
afterAll(() => office.close());

it("calls that are right are not written: no capture is told differently from the raw log, and nothing moves", async () => {
  const before = await everything(office);
  const told = await rebuildNow(office);
  expect(told.calls).toBeGreaterThan(400);
  expect(told).toMatchObject({ changes: [], left: [], changed: 0, stopped: false });
  expect(await everything(office)).toEqual(before);
});

it("nor from raw_data alone, when the raw log and the site's markers are gone", async () => {
  const before = await everything(office);
  await office.rows("TRUNCATE ami_events, site_markers");
  const told = await rebuildNow(office);
  expect(told.calls).toBeGreaterThan(400);
  expect(told).toMatchObject({ changes: [], left: [] });
  expect(await everything(office)).toEqual(before);
});
