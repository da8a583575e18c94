import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { capture } from "../support/captures.ts";
import type { Play } from "../support/pbx/play.ts";
import { differences, rowsOf, untilFinal } from "./rows.ts";
import { openWorld, type Site, type World } from "./world.ts";

const CALLS = [
  "22/incoming_answered",
  "22/ring_group_answered",
  "22/outgoing_answered",
  "22/queue_ringall_answered",
  "22/blind_transfer",
  "22/hunt_third_answers",
  "16/incoming_answered_callee_hangs",
  "16/attended_transfer_refer",
];
/** Committed to the outbox long before: what an agent had only in memory dies with it, and that is another test's subject. */
const QUIET_MS = 300;
let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

async function openSite(): Promise<Site> {
  return world.site({ pbx: { timestamps: true }, liveWindowSeconds: 600 });
}

async function playAll(site: Site): Promise<Play[]> {
  return Promise.all(CALLS.map((name) => site.pbx.play(capture(name))));
}

it("kill -9 of the agent and of the server in mid-call leaves the same rows as a run nobody disturbed", async () => {
  const [quiet, hit] = [await openSite(), await openSite()];
  const [quietPlays, hitPlays] = await Promise.all([playAll(quiet), playAll(hit)]);

  await sleep(1_500);
  await world.server.kill();
  await sleep(1_000);
  await world.serverAgain();
  for (let n = 0; n < 2; n++) {
    await sleep(1_000);
    hit.pbx.hold();
    await sleep(QUIET_MS);
    await hit.agent!.kill();
    await hit.startAgent();
    hit.pbx.release();
  }
  await world.server.kill();
  await world.serverAgain();

  await Promise.all([...quietPlays, ...hitPlays].map((play) => play.done));
  await untilFinal(world.database.pool, [quiet.id, hit.id]);
  for (const [n, name] of CALLS.entries()) {
    const undisturbed = await rowsOf(world.database.pool, quiet.id, capture(name), quietPlays[n]!);
    const disturbed = await rowsOf(world.database.pool, hit.id, capture(name), hitPlays[n]!);
    expect(undisturbed.every((call) => call.state === "final")).toBe(true);
    expect(differences(disturbed, undisturbed, name)).toEqual([]);
  }
}, 90_000);

it("each event is in the raw log once, and no seq is missing", async () => {
  const { rows } = await world.database.pool.query<{ twice: number; holes: number }>(
    `SELECT (SELECT count(*) - count(DISTINCT (stream_id, seq)) FROM ami_events)::int AS twice,
       (SELECT count(*) FROM streams, unnest(int8multirange(int8range(1, upper(received))) - received))::int AS holes`,
  );
  expect(rows[0]).toEqual({ twice: 0, holes: 0 });
});
