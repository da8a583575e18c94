import PQueue from "p-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../server/deliver/engine.ts";
import { eventually, openOffice, send, type Office, type Server } from "../ingest/office.ts";
import { capture, captureNames } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { openEngine, openReceiver, setHooks, type Receiver } from "./receiver.ts";

/** Every recorded call, slice by slice, with all that was owed sent in between: merges come after a start was told. */
const NAMES = captureNames().filter((name) => !name.endsWith("/load300"));
const SLICES = 8;
const atOnceMax = 6;
let office: Office;
let server: Server;
let receiver: Receiver;
let engine: Pick<Engine, "stop">;

describe.each([
  ["all that was owed was sent before the next of it came", true],
  ["the receiver is slow and things happen meanwhile", false],
])("%s", (_, drained) => {
  beforeAll(async () => {
    office = await openOffice();
    server = await office.server();
    receiver = await openReceiver();
    receiver.delayMs = drained ? 0 : 60;
    await office.site();
    await setHooks(office, [{ url: receiver.url }]);
    engine = openEngine(office);
    const queue = new PQueue({ concurrency: atOnceMax });
    await queue.addAll(NAMES.map((name, at) => () => play(name, at, drained)));
    await untilSent(null);
  }, 240_000);
  afterAll(async () => {
    await receiver.close();
    await engine.stop();
    await office.close();
  });

  it("every start finds its one hangup, in every recorded call: picked up, transferred, parked, retrieved", async () => {
    const [starts, hangups] = [told("start"), told("hangup")];
    const running = await office.rows<{ id: string }>("SELECT unique_id AS id FROM calls WHERE state <> 'final'");
    const calls = await office.rows<{ id: string }>("SELECT unique_id AS id FROM calls");
    const known = new Set(calls.map(({ id }) => id));
    const open = new Set(running.map(({ id }) => id));
    expect(starts.length).toBeGreaterThan(NAMES.length);
    expect(hangups.filter((id) => !starts.includes(id) && !known.has(id))).toEqual([]);
    expect(starts.filter((id) => !hangups.includes(id) && !open.has(id))).toEqual([]);
    expect(hangups.filter((id, at) => hangups.indexOf(id) !== at)).toEqual([]);
    expect(starts.filter((id, at) => starts.indexOf(id) !== at)).toEqual([]);
    expect(open.size).toBeLessThan(NAMES.length / 10);
  });

  it("a call that became part of another says so in its hangup, and its parts are told under the one that stays", () => {
    const merged = receiver.got.map(({ body }) => body.data).filter(({ call }) => call.merged_into !== null);
    const hangups = merged.filter(({ step }) => step === "hangup");
    expect(hangups.length).toBeGreaterThan(0);
    for (const { call } of hangups) expect(told("hangup")).toContain(call.merged_into);
  });

  it("no message has the id of another, and each was sent once", () => {
    const ids = receiver.got.map(({ body }) => body.data.event_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(receiver.got.filter(({ body }) => body.data.attempt > 1)).toEqual([]);
  });

  it("nothing of any step waits, and every step is processed", async () => {
    expect(await office.rows("SELECT event_type FROM call_events WHERE processed IS NOT TRUE")).toEqual([]);
    expect(
      await office.rows("SELECT state, last_error FROM deliveries WHERE state IN ('waiting', 'given_up')"),
    ).toEqual([]);
  });
});

async function play(name: string, at: number, drained: boolean): Promise<void> {
  const site = await office.site("0367", `10.88.11.${at}`);
  const stream = `00000000-0000-4000-8000-${String(at + 1).padStart(12, "0")}`;
  const events = eventsOf(capture(name), "recommended");
  const size = Math.ceil(events.length / SLICES);
  for (let from = 0; from < events.length; from += size) {
    await send(server, site, events.slice(from, from + size), { stream, highestSeq: events.length });
    if (drained) await untilSent(site.id);
  }
}

async function untilSent(site: number | null): Promise<void> {
  const sql =
    "SELECT count(*)::int AS count FROM deliveries WHERE ($1::int IS NULL OR site_id = $1) AND state = 'waiting'";
  await eventually(async () => {
    const [row] = await office.rows<{ count: number }>(sql, [site]);
    if (row!.count > 0) throw new Error(`${row!.count} deliveries wait`);
  }, 60_000);
}

const told = (step: string) =>
  receiver.got.filter(({ body }) => body.data.step === step).map(({ body }) => body.data.call.unique_id);
