import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CallEvent } from "../../server/assemble/index.ts";
import { setEnterprise } from "../../server/store/setEnterprise.ts";
import { capture } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { heartbeat, openOffice, send, type Office, type Server, type Site } from "../ingest/office.ts";
import { tellCalls } from "../ingest/tables.ts";
import { rebuildNow } from "./office.ts";

const NAMES = [
  "22/attended_transfer_refer",
  "22/queue_ringall_answered",
  "22/pickup_directed",
  "16/confbridge3",
  "16/restart_core",
];
const RIGHT = { extensions: "^1[5-7]\\d$", trunks: ["trunk-a", "trunk-b", "trunk-s"] };
const WRONG = { extensions: "^trunk-", trunks: ["150", "151"] };

let office: Office;
let servers: Server[];

beforeAll(async () => {
  office = await openOffice();
  servers = [await office.server(), await office.server()];
});
afterAll(() => office.close());

interface Sent {
  site: Site;
  events: CallEvent[];
  stream: string;
}

async function newSite(events: CallEvent[]): Promise<Sent> {
  return { site: await office.site("0367", crypto.randomUUID()), events, stream: crypto.randomUUID() };
}

/** Small batches in disorder, as an agent that has two lanes and repeats itself sends them. */
async function sendPieces({ site, events, stream }: Sent, seed: number): Promise<void> {
  const size = 7;
  const starts = Array.from({ length: Math.ceil(events.length / size) }, (_, n) => n * size);
  const [order] = fc.sample(fc.shuffledSubarray(starts, { minLength: starts.length }), { numRuns: 1, seed });
  const halves = [order!.slice(0, starts.length / 2), order!.slice(starts.length / 2)];
  await Promise.all(
    halves.map(async (half, n) => {
      const lane = n === 0 ? "live" : "backlog";
      for (const from of half) await send(servers[n]!, site, events.slice(from, from + size), { stream, lane });
    }),
  );
  await heartbeat(servers[0]!, site, { stream, oldestUnacked: null, highestSeq: events.length });
}

it("runs beside servers that write, and beside itself, while settings change: in the end all calls are right", async () => {
  await office.site("0367", "first");
  const recorded = NAMES.map((name) => eventsOf(capture(name), "recommended"));
  const calm = await Promise.all(recorded.map(newSite));
  for (const { site, events, stream } of calm) await send(servers[0]!, site, events, { stream });
  const restless = await Promise.all(recorded.map(newSite));
  const sending = new AbortController();
  const rebuilds = async (): Promise<number> => {
    let times = 0;
    for (; !sending.signal.aborted; times++) await rebuildNow(office, { dryRun: times % 3 === 2 });
    return times;
  };
  const changes = (async () => {
    for (let n = 0; !sending.signal.aborted; n++)
      await setEnterprise(office.db.pool, "0367", n % 2 === 0 ? WRONG : RIGHT);
  })();
  const running = [rebuilds(), rebuilds()];
  await Promise.all(restless.map((sent, n) => sendPieces(sent, n)));
  sending.abort();
  for (const times of await Promise.all(running)) expect(times).toBeGreaterThan(1);
  await changes;
  await setEnterprise(office.db.pool, "0367", RIGHT);
  await rebuildNow(office);
  expect(await rebuildNow(office)).toMatchObject({ changed: 0, skipped: 0 });
  for (const [n, { site }] of restless.entries())
    expect(anonymous(await tellCalls(office, site.id))).toEqual(anonymous(await tellCalls(office, calm[n]!.site.id)));
}, 60_000);

it("stopped between two batches, it has done a part, and the next run does the rest", async () => {
  const events = eventsOf(capture("22/load300"), "recommended");
  const sent = await newSite(events);
  await send(servers[0]!, sent.site, events, { stream: sent.stream });
  await setEnterprise(office.db.pool, "0367", WRONG);
  const scope = { site: sent.site.id };
  const stop = new AbortController();
  const first = await rebuildNow(office, { scope, stop: stop.signal, progress: (done) => done > 0 && stop.abort() });
  expect(first).toMatchObject({ stopped: true, calls: 200 });
  const rest = await rebuildNow(office, { scope });
  expect(rest.changed).toBeGreaterThan(0);
  expect(first.changed + rest.changed).toBeGreaterThan(250);
  expect(await rebuildNow(office, { scope })).toMatchObject({ calls: 300, changed: 0 });
});

/** Without what two sites may differ in: address, and the prefix of an id the other took first. */
function anonymous(calls: unknown[]): unknown {
  return JSON.parse(
    JSON.stringify(calls)
      .replaceAll(/"s\d+-(\d+\.\d+")/g, '"$1')
      .replaceAll(/"asterisk_host":"[^"]*"/g, `"asterisk_host":""`),
  );
}
