import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { hinder, type Span } from "../oracle/journal.ts";
import type { AgentUnit } from "../stack/agent.ts";
import { pause, until } from "../stack/stack.ts";
import type { Random } from "../random.ts";
import { excuseUnstored, storedNumbers, type Fault } from "./fault.ts";

const PAGE_BYTES = 4_096;

const walTorn: Fault = {
  name: "wal-torn",
  title: "kill -9 while a frame was being written: the WAL ends in half a frame",
  touches: ["agent", "outbox"],
  inject: async ({ agent }, random) => {
    await agent.kill();
    appendNoise(`${agent.outboxFile}-wal`, random, random.between(1, PAGE_BYTES));
    agent.start();
    await pause(500);
  },
};

const walCut: Fault = {
  name: "wal-cut",
  title: "kill -9 and a disk that lied: the tail of the WAL is gone",
  touches: ["agent", "outbox"],
  inject: async (stack, random) => {
    await stack.agent.kill();
    await excuseUnstored(stack);
    const wal = `${stack.agent.outboxFile}-wal`;
    if (existsSync(wal)) truncateSync(wal, Math.floor(statSync(wal).size * random.next()));
    stack.agent.start();
    await pause(500);
  },
};

const powerCut: Fault = {
  name: "power-cut",
  title: "the power goes while the link is away: of what was not synced, nothing or some sectors are on the disk",
  touches: ["agent", "outbox", "link"],
  cannot: ({ canBend }) => (canBend ? null : "it needs a C compiler (cc)"),
  inject: async ({ agent, machine, link }, random, holdMs) => {
    link.set("cut");
    machine.noteUnsynced();
    await pause(holdMs);
    await agent.kill();
    machine.cutPower(dirname(agent.outboxFile), random);
    link.set("open");
    agent.start();
    await pause(500);
  },
};

const pageCorrupt: Fault = {
  name: "page-corrupt",
  title: "a page of the outbox turns to noise while the agent is down",
  touches: ["agent", "outbox"],
  inject: async (stack, random) => {
    const { agent } = stack;
    if (random.chance(0.5)) await agent.end();
    else await agent.kill();
    await excuseUnstored(stack);
    if (existsSync(agent.outboxFile)) corruptPage(agent.outboxFile, random, random.int(pagesOf(agent.outboxFile)));
    agent.start();
    await pause(1_000);
  },
};

/** How an old copy comes back: as a file of its own, or written over the one that is there. */
function oldCopyFault(name: string, title: string, putBack: (agent: AgentUnit, copy: string) => void): Fault {
  return {
    name,
    title,
    touches: ["agent", "outbox"],
    inject: async (stack, _random, holdMs) => {
      const { agent } = stack;
      const copy = join(stack.dir, "old-copy");
      await until(() => existsSync(agent.outboxFile), 15_000);
      await agent.end();
      copyOutbox(agent, copy);
      agent.start();
      await pause(holdMs);
      await agent.kill();
      await excuseUnstored(stack);
      putBack(agent, copy);
      rmSync(copy, { recursive: true });
      agent.start();
      await pause(1_000);
    },
  };
}

const oldCopy = oldCopyFault("outbox-old-copy", "the outbox is put back from an old copy", (agent, copy) => {
  removeOutbox(agent);
  cpSync(copy, dirname(agent.outboxFile), { recursive: true });
});

const overwritten = oldCopyFault(
  "outbox-overwritten",
  "the outbox is overwritten in place by an old copy",
  (agent, copy) => {
    rmSync(`${agent.outboxFile}-wal`, { force: true });
    writeFileSync(agent.outboxFile, readFileSync(join(copy, basename(agent.outboxFile))));
  },
);

const deleted: Fault = {
  name: "outbox-deleted",
  title: "the outbox is deleted, as when the agent is installed anew",
  touches: ["agent", "outbox"],
  inject: async (stack) => {
    await stack.agent.kill();
    await excuseUnstored(stack);
    removeOutbox(stack.agent);
    stack.agent.start();
    await pause(1_000);
  },
};

const removed: Fault = {
  name: "outbox-removed",
  title: "the outbox is removed under the running agent, with the link away, and the agent killed after a while",
  touches: ["agent", "outbox", "link"],
  inject: async ({ agent, link }, _random, holdMs) => {
    await until(() => existsSync(agent.outboxFile), 15_000);
    link.set("cut");
    for (const name of readdirSync(dirname(agent.outboxFile)))
      rmSync(join(dirname(agent.outboxFile), name), { recursive: true, force: true });
    await pause(Math.max(3_000, holdMs));
    await agent.kill();
    agent.start();
    link.set("open");
    await pause(1_000);
  },
};

const copied: Fault = {
  name: "outbox-copied",
  title: "the machine is cloned: a second agent with the same outbox and key listens to another PBX",
  touches: ["agent", "outbox"],
  inject: async (stack, _random, holdMs) => {
    const second = await stack.addMachine(`clone-${stack.journal.sessions.length}`);
    await until(() => existsSync(stack.agent.outboxFile), 15_000);
    await stack.agent.end();
    copyOutbox(stack.agent, dirname(second.agent.outboxFile));
    const dispute: Span = { fromMono: performance.now(), toMono: null };
    stack.disputes.push(dispute);
    stack.agent.start();
    second.agent.start();
    await until(() => second.pbx.listening, 15_000);
    second.player.start();
    await pause(holdMs);
    await second.player.finish();
    await until(() => allStored(stack, second.pbx.name), 30_000, 500);
    await second.agent.end();
    dispute.toMono = performance.now();
  },
};

const diskFull: Fault = {
  name: "disk-full",
  title: "the outbox disk has no room, and what is given up is taken too",
  touches: ["agent", "outbox"],
  cannot: ({ canMount, canBend }) => (canMount || canBend ? null : "it needs root, or a C compiler"),
  inject: async ({ disk, journal, pbx }, _random, holdMs) => {
    const done = hinder(journal, pbx.name, "disk");
    const free = disk.fill();
    await pause(holdMs);
    free();
    done();
    await pause(1_000);
  },
};

const diskFullRestart: Fault = {
  name: "disk-full-restart",
  title: "the agent is killed and started again while its disk is full",
  touches: ["agent", "outbox"],
  cannot: diskFull.cannot!,
  inject: async ({ disk, journal, pbx, agent }, _random, holdMs) => {
    const done = hinder(journal, pbx.name, "disk");
    const free = disk.fill();
    await pause(holdMs / 2);
    await agent.kill();
    agent.start();
    await pause(holdMs);
    free();
    done();
    await pause(1_000);
  },
};

const diskStall: Fault = {
  name: "disk-stall",
  title: "writes and syncs of the outbox disk wait",
  touches: ["agent", "outbox"],
  cannot: ({ canBend }) => (canBend ? null : "it needs a C compiler (cc)"),
  inject: async ({ machine, journal, pbx }, _random, holdMs) => {
    const done = hinder(journal, pbx.name, "disk");
    machine.stallDisk(true);
    await pause(holdMs);
    machine.stallDisk(false);
    done();
  },
};

const diskBroken: Fault = {
  name: "disk-broken",
  title: "writes and syncs of the outbox fail: EIO, or the disk was remounted read-only",
  touches: ["agent", "outbox"],
  cannot: ({ canBend }) => (canBend ? null : "it needs a C compiler (cc)"),
  inject: async ({ machine, journal, pbx }, random, holdMs) => {
    const done = hinder(journal, pbx.name, "disk");
    machine.breakDisk(random.pick(["EIO", "EROFS"]));
    await pause(holdMs);
    machine.breakDisk(null);
    done();
    await pause(1_000);
  },
};

export const OUTBOX_FAULTS: readonly Fault[] = [
  walTorn,
  walCut,
  powerCut,
  pageCorrupt,
  oldCopy,
  overwritten,
  deleted,
  removed,
  copied,
  diskFull,
  diskFullRestart,
  diskStall,
  diskBroken,
];

async function allStored(stack: Parameters<typeof storedNumbers>[0], pbx: string): Promise<boolean> {
  const stored = new Set(await storedNumbers(stack));
  const sessions = new Set(stack.journal.sessions.filter((life) => life.pbx === pbx).map((life) => life.session));
  return stack.journal.told.every(({ number, session }) => !sessions.has(session ?? 0) || stored.has(number));
}

/** Files of the outbox: the database, its WAL, and whatever the agent keeps beside it. */
function outboxFiles(agent: AgentUnit): string[] {
  const dir = dirname(agent.outboxFile);
  const stem = basename(agent.outboxFile);
  return readdirSync(dir).filter((name) => name === stem || name.startsWith(`${stem}-`));
}

export function copyOutbox(agent: AgentUnit, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of outboxFiles(agent)) copyFileSync(join(dirname(agent.outboxFile), name), join(to, name));
}

export function removeOutbox(agent: AgentUnit): void {
  for (const name of outboxFiles(agent)) rmSync(join(dirname(agent.outboxFile), name));
}

export function pagesOf(file: string): number {
  return Math.max(1, Math.floor(statSync(file).size / PAGE_BYTES));
}

/** Overwrites one page, counted from 0, with noise. */
export function corruptPage(file: string, random: Random, page: number): void {
  const fd = openSync(file, "r+");
  writeSync(fd, noise(random, PAGE_BYTES), 0, PAGE_BYTES, page * PAGE_BYTES);
  closeSync(fd);
}

function appendNoise(file: string, random: Random, bytes: number): void {
  const fd = openSync(file, "a");
  writeSync(fd, noise(random, bytes));
  closeSync(fd);
}

function noise(random: Random, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => random.int(256)));
}
