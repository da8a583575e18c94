import { afterAll, beforeAll, expect, it } from "vitest";
import { capture, captureNames } from "../support/captures.ts";
import { blindBetween } from "../support/blind.ts";
import { cdrRowsOf, celRowsOf } from "../support/recovered.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office, type Server } from "../ingest/office.ts";
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
    await recoverElsewhere(server, name, n);
  }
}, 120_000);
afterAll(() => office.close());

/** The same capture at three more sites: heard in part, not at all, and with call detail records only. */
async function recoverElsewhere(server: Server, name: string, n: number): Promise<void> {
  // Where Asterisk was killed no row ends the call, and one that runs keeps nothing itself.
  if (name.includes("load300") || name.includes("crash_kill9")) return;
  const events = eventsOf(capture(name), "recommended");
  const [first, last] = [events[0]!.at, events.at(-1)!.at];
  const middle = Math.floor((first + last) / 2);
  const cases = [
    blindBetween(events, celRowsOf(name), middle, last),
    { live: [], rows: celRowsOf(name) },
    { live: [], rows: cdrRowsOf(name) },
  ];
  for (const [index, { live, rows }] of cases.entries()) {
    const site = await office.site("0367", `10.${2 + index}.${n >> 8}.${n & 255}`);
    const [stream, file] = [crypto.randomUUID(), crypto.randomUUID()];
    const heard = live.map((event) => ({ ...event, ev: { ...event.ev, Repair: "" } }));
    if (heard.length > 0) await send(server, site, heard, { stream });
    const seqs = rows.map(({ seq }) => seq);
    const span: [number, number] = [Math.min(...seqs), Math.max(...seqs)];
    await send(server, site, rows, { stream: file, lane: "backlog", kind: "file", span, highestSeq: span[1] });
  }
}

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
