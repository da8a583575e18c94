import { expect, test } from "vitest";
import { excuseUnstored, storedNumbers } from "../catalogue/fault.ts";
import { corruptPage, pagesOf } from "../catalogue/outbox.ts";
import { pause, until } from "../stack/stack.ts";
import { inject, scenario } from "./scenario.ts";

test.each(["the first", "a middle", "the last"])(
  "%s page of the outbox turned to noise costs a few rows, told as a gap; all others arrive and capture goes on",
  async (which) => {
    let unsent = 0;
    const outcome = await scenario({ eventsPerSecond: 200 }, async (stack) => {
      stack.link.set("cut");
      await pause(4_000);
      await stack.agent.end();
      await excuseUnstored(stack);
      unsent = stack.excusable.size;
      const pages = pagesOf(stack.agent.outboxFile);
      const page = { "the first": 0, "a middle": pages >> 1, "the last": pages - 1 }[which]!;
      corruptPage(stack.agent.outboxFile, stack.random, page);
      stack.agent.start();
      await until(() => stack.pbx.listening, 15_000);
      stack.link.set("open");
      await pause(1_000);
    });
    expect(outcome.wrongs).toEqual([]);
    expect(outcome.streams).toBeGreaterThan(which === "the last" ? 0 : 1);
    expect(unsent).toBeGreaterThan(300);
    const corrupt = outcome.gaps.filter(({ cause }) => cause === "outbox_corrupt");
    const told = corrupt.reduce((sum, { count }) => sum + (count ?? 0), 0);
    expect(told).toBeLessThan(unsent / 4);
  },
  120_000,
);

test("an outbox put back from an old copy takes a new stream: nothing lost that had arrived, nothing doubled", async () => {
  const outcome = await scenario({}, (stack) => inject(stack, "outbox-old-copy", 3_000));
  expect(outcome.wrongs).toEqual([]);
  expect(outcome.streams).toBeGreaterThan(1);
}, 120_000);

test("an outbox put back from an old copy into the same file, as cat would, takes a new stream too", async () => {
  const outcome = await scenario({}, (stack) => inject(stack, "outbox-overwritten", 3_000));
  expect(outcome.wrongs).toEqual([]);
  expect(outcome.streams).toBeGreaterThan(1);
}, 120_000);

test("a cloned machine's agent, with the same outbox and key at another PBX, takes nothing from the first one", async () => {
  let second: string[] = [];
  const outcome = await scenario({}, async (stack) => {
    await inject(stack, "outbox-copied", 3_000);
    second = stack.journal.sessions.filter(({ pbx }) => pbx !== stack.pbx.name).map(({ pbx }) => pbx);
  });
  expect(outcome.wrongs).toEqual([]);
  expect(second.length).toBeGreaterThan(0);
}, 120_000);

test("a deleted outbox is a new stream, and the time without an agent is a gap", async () => {
  const outcome = await scenario({}, (stack) => inject(stack, "outbox-deleted", 0));
  expect(outcome.wrongs).toEqual([]);
  expect(outcome.streams).toBe(2);
}, 120_000);

test("an outbox removed under the running agent is written anew: also what was not sent yet outlives the agent", async () => {
  const outcome = await scenario({}, (stack) => inject(stack, "outbox-removed", 3_000));
  expect(outcome.wrongs).toEqual([]);
  expect(outcome.streams).toBe(1);
}, 120_000);

test("the same stream and seq with other content is kept beside the first, as a conflict", async () => {
  let conflicts: { reason: string }[] = [];
  const outcome = await scenario({}, async (stack) => {
    await pause(1_000);
    await inject(stack, "seq-conflict", 0);
    conflicts = await stack.database.query("SELECT reason FROM rejected_events WHERE site_id = $1", [stack.site.id]);
    expect((await storedNumbers(stack)).length).toBeGreaterThan(0);
  });
  expect(conflicts).toEqual([{ reason: "conflict" }]);
  expect(outcome.wrongs).toEqual([]);
}, 120_000);
