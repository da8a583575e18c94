import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { storedNumbers } from "../catalogue/fault.ts";
import { mayMount } from "../stack/disk.ts";
import { pause, until, type Stack } from "../stack/stack.ts";
import { inject, missing, scenario } from "./scenario.ts";

const haveCompiler = spawnSync("cc", ["--version"]).error === undefined;
const canFill = haveCompiler || mayMount();

test.skipIf(!canFill)(
  "on a full disk calls are still heard and delivered, and none is missing when there is room again",
  async () => {
    let deliveredWhileFull = 0;
    const outcome = await scenario({}, async (stack) => {
      const free = stack.disk.fill();
      await pause(1_500);
      const from = stack.journal.told.length;
      await pause(3_000);
      await until(
        async () => (deliveredWhileFull = (await storedNumbers(stack)).filter((n) => n > from).length) > 50,
        5_000,
      );
      free();
    });
    expect(deliveredWhileFull).toBeGreaterThan(50);
    expect(outcome.wrongs).toEqual([]);
    expect(missing(outcome)).toBe(0);
  },
  120_000,
);

test.skipIf(!canFill)(
  "an agent killed and started again on the full disk hears, delivers, and recovers by itself",
  async () => {
    let deliveredWhileFull = 0;
    const outcome = await scenario({}, async (stack) => {
      const free = stack.disk.fill();
      await pause(1_000);
      await stack.agent.kill();
      stack.agent.start();
      await until(() => stack.pbx.listening, 15_000);
      const from = stack.journal.told.length;
      await until(
        async () => (deliveredWhileFull = (await storedNumbers(stack)).filter((n) => n > from).length) > 50,
        15_000,
      );
      free();
      await pause(3_000);
      await inject(stack, "agent-kill", 0);
    });
    expect(deliveredWhileFull).toBeGreaterThan(50);
    expect(outcome.wrongs).toEqual([]);
  },
  120_000,
);

test.skipIf(!canFill)(
  "what a full disk costs once memory is full too is a gap with its count",
  async () => {
    const outcome = await scenario({}, async (stack) => {
      stack.link.set("cut");
      const free = stack.disk.fill();
      stack.player.setRate(3_000);
      await pause(12_000);
      stack.player.setRate(60);
      await pause(1_000);
      free();
      await pause(1_500);
      for (const { number } of stack.journal.told) stack.excusable.add(number);
      await pause(3_000);
      stack.link.set("open");
    });
    const lost = missing(outcome);
    const full = outcome.gaps.filter(({ cause }) => cause === "outbox_full");
    expect(outcome.wrongs).toEqual([]);
    expect(lost).toBeGreaterThan(0);
    expect(full.reduce((sum, { count }) => sum + count!, 0)).toBe(lost);
  },
  180_000,
);

test.skipIf(!haveCompiler)(
  "a disk that stalls 5 s at 1,000 events a second costs neither an event nor the AMI session",
  async () => {
    const outcome = await scenario({ eventsPerSecond: 1_000 }, async (stack) => {
      await inject(stack, "disk-stall", 5_000);
      await pause(2_000);
    });
    expect(outcome.wrongs).toEqual([]);
    expect(missing(outcome)).toBe(0);
    expect(outcome.sessions).toBe(1);
  },
  180_000,
);

test.skipIf(!mayMount())(
  "an agent restarted on a disk without a free inode waits and goes on by itself; the time is a gap",
  async () => {
    const outcome = await scenario({}, async (stack) => {
      const end = stack.disk.fillInodes();
      await stack.agent.end();
      stack.agent.start();
      await pause(4_000);
      expect(stack.agent.running).toBe(true);
      end();
      await until(() => stack.pbx.listening, 15_000);
      await pause(1_000);
    });
    expect(outcome.wrongs).toEqual([]);
  },
  120_000,
);

test.skipIf(!haveCompiler)(
  "while the disk answers EIO events are heard and delivered from memory, and nothing is missing when it works again",
  async () => {
    let delivered = 0;
    const outcome = await scenario({}, async (stack) => {
      stack.machine.breakDisk("EIO");
      const from = stack.journal.told.length;
      await until(async () => (delivered = (await storedNumbers(stack)).filter((n) => n > from).length) > 50, 10_000);
      stack.machine.breakDisk(null);
      await pause(2_000);
      await inject(stack, "agent-kill", 0);
    });
    expect(delivered).toBeGreaterThan(50);
    expect(outcome.wrongs).toEqual([]);
  },
  120_000,
);

test.skipIf(!haveCompiler)(
  "a cut of the power takes only what was not synced, and that was owed to nobody",
  async () => {
    const outcome = await scenario({}, (stack) => inject(stack, "power-cut", 3_000));
    expect(outcome.wrongs).toEqual([]);
  },
  120_000,
);

test.skipIf(!haveCompiler)(
  "on a disk that lies about its syncs the same cut loses what was owed: the fault bites",
  async () => {
    const lying = async (stack: Stack): Promise<void> => {
      stack.machine.lieAboutSyncs(true);
      await inject(stack, "power-cut", 4_000);
      stack.machine.lieAboutSyncs(false);
    };
    const outcome = await scenario({}, lying, 3_000);
    expect(outcome.wrongs.filter((wrong) => wrong.includes("was delivered and is not stored")).length).toBeGreaterThan(
      10,
    );
  },
  120_000,
);
