import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallEvent } from "../../server/assemble/index.ts";
import { capture, captureNames } from "../support/captures.ts";
import { eventsOf } from "../support/truth-events.ts";
import { eventually, heartbeat, openOffice, send, type Office, type Server, type Site } from "./office.ts";
import { countStored, tellCalls } from "./tables.ts";

let office: Office;
let servers: Server[];
let nextHost = 1;

beforeAll(async () => {
  office = await openOffice();
  servers = [await office.server(), await office.server()];
});
afterAll(() => office.close());

const NAMES = captureNames().filter((name) => !/load/.test(name));
const uuid = () => crypto.randomUUID();
const newSite = (): Promise<Site> => office.site("0367", `10.0.${nextHost >> 8}.${nextHost++ & 255}`);

interface Piece {
  from: number;
  length: number;
}

/** Batches that overlap, come in any order, and several at once over both servers. */
async function sendPieces(site: Site, events: CallEvent[], stream: string, pieces: Piece[]): Promise<void> {
  const batches = pieces
    .map(({ from, length }) => events.slice(from, from + length))
    .filter((batch) => batch.length > 0);
  let next = 0;
  const sender = async (worker: number): Promise<void> => {
    for (let at = next++; at < batches.length; at = next++) {
      const lane = at % 2 === 0 ? "live" : "backlog";
      await send(servers[(at + worker) % servers.length]!, site, batches[at]!, { stream, lane });
    }
  };
  await Promise.all([sender(0), sender(1), sender(2)]);
}

/** Cuts 0..count into pieces at random places, repeats some with other edges, and shuffles them. */
function piecesOf(count: number): fc.Arbitrary<Piece[]> {
  const cut = fc
    .array(fc.integer({ min: 1, max: Math.max(1, count - 1) }), { minLength: 0, maxLength: 9 })
    .map((cuts) => {
      const edges = [0, ...new Set(cuts)].toSorted((a, b) => a - b);
      return edges.map((from, at) => ({ from, length: (edges[at + 1] ?? count) - from }));
    });
  const again = fc.array(
    fc.record({ from: fc.integer({ min: 0, max: count }), length: fc.integer({ min: 1, max: 40 }) }),
    { maxLength: 5 },
  );
  return fc
    .tuple(cut, again)
    .chain(([whole, more]) => fc.shuffledSubarray([...whole, ...more], { minLength: whole.length + more.length }));
}

describe("whatever the pieces, their order and the server they reach, the tables end up the same", () => {
  it.each(NAMES)("%s", async (name) => {
    const events = eventsOf(capture(name), "recommended");
    const whole = await newSite();
    const pieced = await newSite();
    await send(servers[0]!, whole, events, { stream: uuid() });
    const [pieces] = fc.sample(piecesOf(events.length), { numRuns: 1, seed: hashOf(name) });
    const stream = uuid();
    await sendPieces(pieced, events, stream, pieces!);
    await heartbeat(servers[0]!, pieced, { stream, oldestUnacked: null, highestSeq: events.length });

    expect(await countStored(office, pieced.id)).toEqual({ stored: events.length, distinct: events.length });
    const expected = await tellCalls(office, whole.id);
    expect(expected.length).toBeGreaterThan(0);
    await eventually(async () => expect(anonymous(await tellCalls(office, pieced.id))).toEqual(anonymous(expected)));
  });
});

/** Without what the two sites may differ in: their address and the prefix of an id the other took first. */
function anonymous(calls: unknown[]): unknown {
  return JSON.parse(
    JSON.stringify(calls)
      .replaceAll(/"s\d+-(\d+\.\d+")/g, '"$1')
      .replaceAll(/"10\.0\.\d+\.\d+"/g, '"host"'),
  );
}

function hashOf(text: string): number {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) | 0;
  return hash;
}
