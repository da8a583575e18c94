import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capture, captureNames } from "../support/captures.ts";
import type { Capture } from "../support/pbx/capture.ts";
import type { Play } from "../support/pbx/play.ts";
import { prepare } from "../support/pbx/prepared.ts";
import { idsOf } from "../support/pbx/rewrite.ts";
import { storedCalls } from "../support/stored-calls.ts";
import { compareCalls, explainDifferences } from "../support/truth-compare.ts";
import { truthOf } from "../support/truth.ts";
import { type CallRows, differences, rowsOf, untilFinal } from "./rows.ts";
import { openWorld, type Site, type World } from "./world.ts";

/** Many recordings share a PBX, as calls do. */
const GROUPS = 4;
const EVENTS_SHARED_MAX = 10_000;
/** Wide enough that nothing counts as downloaded only because the machine is busy. */
const LIVE_WINDOW_SECONDS = 600;

interface Told {
  capture: Capture;
  site: Site;
  play: Play;
}

const names = captureNames();
const recorded = new Map(names.map((name) => [name, capture(name)]));
const single = names.filter((name) => playsAlone(recorded.get(name)!));
const shared = names.filter((name) => !single.includes(name));
const groups = [
  ...single.map((name) => [name]),
  ...Array.from({ length: GROUPS }, (_, group) => shared.filter((_name, n) => n % GROUPS === group)),
];
const realTime = new Map<string, Told>();
const fullSpeed = new Map<string, Told>();
let world: World;

beforeAll(async () => {
  world = await openWorld();
  for (const capture of recorded.values()) [true, false].map((timestamps) => prepare(capture, timestamps));
  await Promise.all(groups.map(playFullSpeed)); // before, so that nothing disturbs the pace of the others
  await Promise.all(groups.map(playRealTime));
  const sites = [...realTime.values(), ...fullSpeed.values()].map((told) => told.site.id);
  await untilFinal(world.database.pool, [...new Set(sites)]);
}, 150_000);

afterAll(() => world.close());

/** A recording in which the connection breaks, or begins in mid-call, would break it for others; a load is enough for one. */
function playsAlone({ connections }: Capture): boolean {
  const [first] = connections;
  return connections.length > 1 || first!.existing.length > 0 || first!.events.length > EVENTS_SHARED_MAX;
}

/** All of a group at once, at the pace of the recordings, without time stamps. */
async function playRealTime(group: readonly string[]): Promise<void> {
  const site = await world.site({ liveWindowSeconds: LIVE_WINDOW_SECONDS, pbx: { timestamps: false } });
  await Promise.all(group.map((name) => tell(name, site, realTime, 1)));
}

/** One after another as fast as the agent reads, each event with its true time. */
async function playFullSpeed(group: readonly string[]): Promise<void> {
  const site = await world.site({ liveWindowSeconds: LIVE_WINDOW_SECONDS, pbx: { timestamps: true } });
  for (const name of group) await tell(name, site, fullSpeed, "full");
}

async function tell(name: string, site: Site, told: Map<string, Told>, speed: 1 | "full"): Promise<void> {
  const capture = recorded.get(name)!;
  const play = await site.pbx.play(capture, { speed });
  told.set(name, { capture, site, play });
  await play.done;
}

describe("a recording played at full speed with Timestamp headers gives the same rows as in real time", () => {
  it.each(names)("%s", async (name) => {
    const slow = await rows(realTime.get(name)!);
    const fast = await rows(fullSpeed.get(name)!);
    expect(slow.length).toBeGreaterThan(0);
    expect(differences(fast, slow)).toEqual([]);
    expect(slow.filter((call) => call.state !== "final")).toEqual([]);
    expect(slow.every((call) => call.source === "live")).toBe(true);
  });
});

describe("a recording that came through agent, wire and PostgreSQL is told as the phones, CDR and CEL saw it", () => {
  it.each(names)("%s", async (name) => {
    const { capture, site, play } = fullSpeed.get(name)!;
    const captured = new Map([...idsOf(capture)].map((id) => [play.id(id), id]));
    const origin = { id: (stored: string) => captured.get(stored), shiftMs: play.shift.ms };
    const calls = await storedCalls(world.database.pool, site.id, origin);
    expect(explainDifferences(compareCalls(truthOf(name), calls, { plain: false }))).toBe("");
  });
});

/** After a restart the agent is not back at the recorded moment in real time: then a call's start is its own. */
async function rows({ capture, site, play }: Told): Promise<CallRows[]> {
  const calls = await rowsOf(world.database.pool, site.id, capture, play);
  return capture.connections.length === 1 ? calls : calls.map((call) => ({ ...call, start: null }));
}
