import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { untilFinal } from "../e2e/rows.ts";
import { openWorld, type World } from "../e2e/world.ts";
import { eventually } from "../ingest/office.ts";
import { capture } from "../support/captures.ts";
import { openReceiver, SECRET_KEY, setHooks, type Receiver } from "./receiver.ts";

const DAY_MS = 86_400_000;
const PLAYED = ["22/incoming_no_answer", "22/incoming_answered", "22/ring_group_abandoned", "22/outgoing_answered"];
const ROUNDS = 40;
let world: World;
let receiver: Receiver;

beforeEach(async () => {
  world = await openWorld({ env: { RINGPOST_SECRET_KEY: SECRET_KEY } });
  receiver = await openReceiver();
});
afterEach(async () => {
  await world.close();
  await receiver.close();
});

const rows = async <T extends object>(sql: string, values: unknown[] = []) =>
  (await world.database.pool.query<T>(sql, values)).rows;
const waiting = async () =>
  (await rows<{ count: number }>("SELECT count(*)::int AS count FROM deliveries WHERE state = 'waiting'"))[0]!.count;
const told = () => receiver.got.map(({ body }) => body.data);

it("a day of backlog through agent and server: only hangups, marked, each once, while what is live is told as ever", async () => {
  const site = await world.site({ start: false, pbx: { timestamps: true } });
  await setHooks({ rows }, [{ url: receiver.url }]);
  await site.link.cut();
  await site.startAgent();
  const from = Date.now() - DAY_MS;
  const total = ROUNDS * PLAYED.length;
  for (let n = 0; n < total; n++) {
    const play = await site.pbx.play(capture(PLAYED[n % PLAYED.length]!), {
      speed: "full",
      startAt: from + (n * (DAY_MS - 7_200_000)) / total,
    });
    await play.done;
  }
  await site.link.restore();
  await eventually(async () => expect(await rows("SELECT FROM calls")).not.toEqual([]), 30_000);
  const live = await site.pbx.play(capture("22/incoming_no_answer"));
  await live.done;
  await untilFinal(world.database.pool, [site.id], 60_000);
  await eventually(async () => expect(await waiting()).toBe(0), 30_000);

  const backlog = told().filter(({ source }) => source !== "live");
  expect(new Set(backlog.map(({ step, source, delayed }) => `${step} ${source} ${delayed}`))).toEqual(
    new Set(["hangup downloaded true"]),
  );
  const [finals] = await rows<{ count: number }>(
    "SELECT count(*)::int AS count FROM calls WHERE data_source = 'downloaded'",
  );
  expect(finals!.count).toBeGreaterThanOrEqual(total);
  expect(backlog).toHaveLength(finals!.count);
  expect(new Set(backlog.map(({ event_id }) => event_id)).size).toBe(backlog.length);
  const steps = told().flatMap(({ source, step }) => (source === "live" ? [step] : []));
  expect([steps[0], steps.at(-1)]).toEqual(["start", "hangup"]);
  expect(steps).toContain("dial");
  const needless = await rows(
    "SELECT event_type FROM call_events WHERE data_source = 'downloaded' AND event_type <> 'hangup' AND (needs_integration OR needs_telegram)",
  );
  expect(needless).toEqual([]);
}, 120_000);

it("a call answered while the link was down and ended after is told as answered, never as missed", async () => {
  let bridged = false;
  const onEvent = ({ name }: { name: string }) => void (bridged ||= name === "BridgeEnter");
  const site = await world.site({ start: false, liveWindowSeconds: 2, pbx: { onEvent } });
  await setHooks({ rows }, [{ url: receiver.url }]);
  await site.startAgent();
  const play = await site.pbx.play(capture("22/incoming_answered"));
  await eventually(async () => expect(told().map(({ step }) => step)).toEqual(["start", "dial"]), 10_000);
  await site.link.cut();
  await eventually(async () => expect(bridged).toBe(true), 10_000);
  await sleep(2_500); // the answer is live no more
  await site.link.restore();
  await play.done;
  await untilFinal(world.database.pool, [site.id], 30_000);
  await eventually(async () => expect(told().at(-1)?.step).toBe("hangup"), 20_000);
  expect(told().map(({ step, call }) => [step, call.call_status])).toEqual([
    ["start", null],
    ["dial", null],
    ["hangup", "answered"],
  ]);
}, 60_000);
