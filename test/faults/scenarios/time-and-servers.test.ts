import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pause, until } from "../stack/stack.ts";
import { storedNumbers } from "../catalogue/fault.ts";
import { copyOutbox, removeOutbox } from "../catalogue/outbox.ts";
import { inject, missing, scenario } from "./scenario.ts";

const haveCompiler = spawnSync("cc", ["--version"]).error === undefined;

test.skipIf(!haveCompiler)(
  "a machine clock that jumps hours ahead and back costs no event and ends no session",
  async () => {
    const outcome = await scenario({}, async (stack) => {
      await inject(stack, "clock-forward", 4_000);
      await inject(stack, "clock-back", 4_000);
    });
    expect(outcome.wrongs).toEqual([]);
    expect(missing(outcome)).toBe(0);
    expect(outcome.sessions).toBe(1);
    expect(outcome.gaps).toEqual([]);
  },
  120_000,
);

test.skipIf(!haveCompiler)(
  "a time in which nothing was heard is told whole though the clock is set meanwhile, back or ahead",
  async () => {
    const outcome = await scenario({}, async (stack) => {
      for (const minutes of [-90, 0, 90]) {
        await stack.agent.kill();
        await pause(1_500);
        stack.agent.start();
        await pause(300);
        stack.setClock(minutes * 60_000);
        await until(() => stack.pbx.listening, 15_000);
        await pause(1_000);
      }
      stack.setClock(0);
    });
    expect(outcome.wrongs).toEqual([]);
    expect(missing(outcome)).toBeGreaterThan(0);
  },
  120_000,
);

test("an agent stopped for 20 s reads what the PBX still held for it, and what it says is not called live", async () => {
  const outcome = await scenario({}, async (stack) => {
    await inject(stack, "agent-stop", 20_000);
    await pause(1_000);
  });
  expect(outcome.wrongs).toEqual([]);
  expect(missing(outcome)).toBe(0);
}, 120_000);

test("what the PBX could not hand to an agent that was stopped too long lies in a gap, also when the agent is killed next", async () => {
  const outcome = await scenario({ eventsPerSecond: 60 }, async (stack) => {
    for (const then of ["goes on", "is killed"]) {
      stack.player.setRate(3_000);
      const go = stack.agent.stop();
      await until(() => !stack.pbx.listening, 30_000);
      stack.player.setRate(60);
      await pause(3_000);
      go();
      if (then === "is killed") await inject(stack, "agent-kill", 0);
      await until(() => stack.pbx.listening, 15_000);
      await pause(1_000);
    }
  });
  expect(outcome.wrongs).toEqual([]);
  expect(missing(outcome)).toBeGreaterThan(0);
}, 180_000);

test("a database put back to a backup gets everything again, also what was a hole when the backup was made", async () => {
  const outcome = await scenario({ servers: 2 }, async (stack, watch) => {
    const { link, database, servers, agent } = stack;
    // An outage leaves a backlog; the backup catches the server with the live lane ahead of it.
    link.set("cut");
    await pause(5_000);
    await agent.kill();
    agent.start();
    link.set("slow");
    await pause(600);
    const copy = `${stack.dir}/backup`;
    await database.backUp(copy);
    link.set("open");
    await until(async () => (await storedNumbers(stack)).length > stack.journal.told.length - 50, 20_000);
    await pause(2_000);
    for (const server of servers) await server.kill();
    watch.forgiveAbsence(true);
    await database.restore(copy);
    stack.restores.push({ atMono: performance.now() });
    for (const server of servers) await server.start();
  });
  expect(outcome.wrongs).toEqual([]);
}, 180_000);

test("a database put back to a backup gets again what the outbox had under an earlier name", async () => {
  const outcome = await scenario({}, async (stack, watch) => {
    const { database, agent, journal } = stack;
    const copy = `${stack.dir}/backup`;
    await database.backUp(copy);
    await pause(2_000);
    const told = journal.told.length;
    await until(async () => (await storedNumbers(stack)).length >= told, 20_000);
    // A file that was copied takes a new stream; of the one before nothing is left to be sent.
    await agent.end();
    copyOutbox(agent, join(stack.dir, "copy"));
    removeOutbox(agent);
    cpSync(join(stack.dir, "copy"), dirname(agent.outboxFile), { recursive: true });
    agent.start();
    await until(() => stack.pbx.listening, 15_000);
    await pause(2_000);
    watch.forgiveAbsence(true);
    await database.restore(copy);
    stack.restores.push({ atMono: performance.now() });
    await pause(2_000);
  });
  expect(outcome.wrongs).toEqual([]);
  expect(outcome.streams).toBe(2);
}, 180_000);

test("a database put back under running servers, which remember what is gone, ends the same", async () => {
  const outcome = await scenario({ servers: 2 }, async (stack, watch) => {
    const copy = `${stack.dir}/backup`;
    await stack.database.backUp(copy);
    await pause(3_000);
    watch.forgiveAbsence(true);
    await stack.database.restore(copy);
    stack.restores.push({ atMono: performance.now() });
    await pause(2_000);
  });
  expect(outcome.wrongs).toEqual([]);
}, 180_000);

test("two servers take turns for every request and one is killed: nothing lost, nothing doubled", async () => {
  const outcome = await scenario({ servers: 2, eventsPerSecond: 300 }, (stack) => inject(stack, "servers-move", 3_000));
  expect(outcome.wrongs).toEqual([]);
  expect(missing(outcome)).toBe(0);
}, 120_000);
